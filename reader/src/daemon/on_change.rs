//! A complaint is said when it begins and when it changes, not each time it is met: noise must not fill a disk.
//!
//! Each kind of complaint has a memory of its own, so that one never silences another.

/// What was said last of one kind of thing.
#[derive(Debug, Default)]
pub(crate) struct OnChange<T>(Option<T>);

impl<T: PartialEq> OnChange<T> {
    /// Nothing was said yet.
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Whether this is new, and so worth a line.
    pub(crate) fn is_new(&mut self, said: T) -> bool {
        let is_new = self.0.as_ref() != Some(&said);
        self.0 = Some(said);
        is_new
    }

    /// It is over: the same will be new again.
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::OnChange;

    #[test]
    fn a_thing_is_said_when_it_begins_when_it_changes_and_when_it_comes_back() {
        let mut trouble = OnChange::new();
        assert_eq!(["a", "a", "b", "a"].map(|said| trouble.is_new(said)), [true, false, true, true]);
        trouble.forget();
        assert!(trouble.is_new("a"));
    }
}
