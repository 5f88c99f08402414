//! What is believed once several frames in a row say it. A value of now must not wait; names and entities that hang on it can.

/// What the last frames said, as long as they agree.
#[derive(Debug, Clone)]
pub struct Agreement<T> {
    said: Option<T>,
    points: u32,
}

impl<T> Default for Agreement<T> {
    fn default() -> Self {
        Self { said: None, points: 0 }
    }
}

impl<T: PartialEq> Agreement<T> {
    /// Takes what a frame says, with as many points as the frame is worth. Returns the points of all frames in a row that said it.
    pub fn handle_said(&mut self, said: T, points: u32) -> u32 {
        self.points = if self.said.as_ref() == Some(&said) { self.points.saturating_add(points) } else { points };
        self.said = Some(said);
        self.points
    }

    /// A frame says nothing: the row is broken.
    pub fn handle_nothing(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::Agreement;

    #[test]
    fn points_add_up_while_frames_agree() {
        let mut agreement = Agreement::default();
        let points = [(1, 1), (1, 3), (2, 1), (1, 1)].map(|(said, points)| agreement.handle_said(said, points));
        assert_eq!(points, [1, 4, 1, 1]);
        agreement.handle_nothing();
        assert_eq!(agreement.handle_said(1, 1), 1);
    }
}
