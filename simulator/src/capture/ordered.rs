//! JSON objects whose keys stay in the order in which they were written: the order of the frame.

use serde::{Serialize, Serializer};

/// Keys and values, in order. A key that comes again replaces the value it had.
#[derive(Debug, Clone)]
pub(crate) struct Object<V>(Vec<(String, V)>);

impl<V> Default for Object<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Object<V> {
    /// Sets a key.
    pub(crate) fn set(&mut self, key: &str, value: V) {
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }
}

impl<V: Serialize> Serialize for Object<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::Object;

    #[test]
    fn order_is_kept() {
        let mut object = Object::default();
        object.set("b", 1);
        object.set("a", 2);
        object.set("b", 3);
        assert_eq!(serde_json::to_string(&object).unwrap(), r#"{"b":3,"a":2}"#);
    }
}
