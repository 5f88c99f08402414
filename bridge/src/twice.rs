//! What is believed once two frames in a row say it. A value of now must not wait; what names and entities hang on can.

/// Remembers what the last frame said.
#[derive(Debug, Clone)]
pub struct Twice<T> {
    before: Option<T>,
}

impl<T> Default for Twice<T> {
    fn default() -> Self {
        Self { before: None }
    }
}

impl<T: PartialEq + Clone> Twice<T> {
    /// Takes what a frame says, `None` if nothing. Returns it if the frame before said the same.
    pub fn hear(&mut self, said: Option<T>) -> Option<T> {
        let before = std::mem::replace(&mut self.before, said.clone());
        said.filter(|said| before.as_ref() == Some(said))
    }
}

#[cfg(test)]
mod tests {
    use super::Twice;

    #[test]
    fn the_second_in_a_row_is_believed() {
        let mut twice = Twice::default();
        let heard = [Some(1), Some(1), Some(2), Some(1), None, Some(1), Some(1), Some(1)].map(|said| twice.hear(said));
        assert_eq!(heard, [None, Some(1), None, None, None, None, Some(1), Some(1)]);
    }
}
