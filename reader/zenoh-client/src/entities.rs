//! What a client has declared to the router, or is about to declare: tokens, queryables, subscribers and keys.
//!
//! This is the only place where declarations are kept. A session takes them over when it begins and gives them back when it ends, so
//! that the next session declares them again. A declaration that finds no room in the transmit buffer waits here.

use zenoh_protocol::core::WireExpr;
use zenoh_protocol::core::key_expr::keyexpr;
use zenoh_protocol::network::Mapping;
use zenoh_protocol::network::declare::common::ext::WireExprType;
use zenoh_protocol::network::declare::queryable::ext::QueryableInfoType;
use zenoh_protocol::network::declare::{
    DeclareBody, DeclareKeyExpr, DeclareQueryable, DeclareSubscriber, DeclareToken, UndeclareKeyExpr, UndeclareQueryable,
    UndeclareSubscriber, UndeclareToken,
};
use zenoh_protocol::network::interest::InterestOptions;

/// What a client can declare under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declaration {
    /// A liveliness token: it says that somebody lives, until it is withdrawn or the session ends.
    Token,
    /// A queryable: queries that match the key come as `Event::Query`.
    Queryable,
    /// A subscriber: publications that match the key come as `Event::Publication`.
    Subscriber,
    /// The key itself. Publications and replies under it then carry a number instead of the text, which spares the router the search
    /// among all its keys. Without this declaration the text is sent.
    Key,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is still to be declared.
    New,
    /// The router has it.
    Declared,
    /// It is still to be withdrawn.
    Leaving,
}

#[derive(Debug)]
struct Entity {
    /// Unique among the entities; the router knows the entity by it.
    id: u16,
    what: Declaration,
    key: String,
    stage: Stage,
}

/// All declarations, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Entities(Vec<Entity>);

impl Entities {
    /// Adds a declaration, unless it is there already.
    pub(crate) fn declare(&mut self, what: Declaration, key: &str) {
        if !self.0.iter().any(|entity| entity.is(what, key)) {
            self.0.push(Entity { id: self.free_id(), what, key: key.into(), stage: Stage::New });
        }
    }

    /// Withdraws a declaration, if it is there.
    pub(crate) fn undeclare(&mut self, what: Declaration, key: &str) {
        self.0.retain(|entity| !(entity.is(what, key) && entity.stage == Stage::New));
        for entity in self.0.iter_mut().filter(|entity| entity.is(what, key)) {
            entity.stage = Stage::Leaving;
        }
    }

    /// The session has ended: the next router knows nothing of them.
    pub(crate) fn forget_router(&mut self) {
        self.0.retain(|entity| entity.stage != Stage::Leaving);
        self.0.iter_mut().for_each(|entity| entity.stage = Stage::New);
    }

    /// The next message the router has not had yet, with its key; `settle` once it is on its way.
    pub(crate) fn next(&self) -> Option<(String, DeclareBody)> {
        let entity = self.0.iter().find(|entity| entity.stage != Stage::Declared)?;
        Some((entity.key.clone(), entity.message()))
    }

    /// The message `next` gave is on its way.
    pub(crate) fn settle(&mut self) {
        if let Some(index) = self.0.iter().position(|entity| entity.stage != Stage::Declared) {
            match self.0[index].stage {
                Stage::Leaving => drop(self.0.remove(index)),
                _ => self.0[index].stage = Stage::Declared,
            }
        }
    }

    /// A key as a message carries it: its number if the router knows it by one, else its text.
    pub(crate) fn wire_key<'k>(&self, key: &'k str) -> WireExpr<'k> {
        let known = |entity: &&Entity| entity.stage == Stage::Declared && entity.is(Declaration::Key, key);
        match self.0.iter().find(known) {
            Some(entity) => WireExpr { scope: entity.id, suffix: "".into(), mapping: Mapping::Sender },
            None => WireExpr::from(key),
        }
    }

    /// The key that the router knows by this number.
    pub(crate) fn declared_key(&self, id: u16) -> Option<&str> {
        let known = |entity: &&Entity| entity.what == Declaration::Key && entity.id == id && entity.stage != Stage::New;
        self.0.iter().find(known).map(|entity| entity.key.as_str())
    }

    /// Whether somebody here listens to what is published under `key`.
    pub(crate) fn is_subscribed(&self, key: &str) -> bool {
        let listens = |entity: &Entity| entity.what == Declaration::Subscriber && entity.stage == Stage::Declared;
        self.0.iter().any(|entity| listens(entity) && intersect(key, &entity.key))
    }

    /// The answers to an Interest in `asked` kinds, under `key` if it is restricted to one.
    pub(crate) fn matching(&self, asked: InterestOptions, key: Option<&str>) -> Vec<(String, DeclareBody)> {
        let wanted = |entity: &&Entity| {
            let kind = match entity.what {
                Declaration::Token => asked.tokens(),
                Declaration::Queryable => asked.queryables(),
                Declaration::Subscriber => asked.subscribers(),
                Declaration::Key => asked.keyexprs(),
            };
            entity.stage == Stage::Declared && kind && key.is_none_or(|key| intersect(key, &entity.key))
        };
        self.0.iter().filter(wanted).map(|entity| (entity.key.clone(), entity.message())).collect()
    }

    fn free_id(&self) -> u16 {
        (1..u16::MAX).find(|id| self.0.iter().all(|entity| entity.id != *id)).unwrap_or(u16::MAX)
    }
}

impl Entity {
    /// It declares this, and is not about to be withdrawn.
    fn is(&self, what: Declaration, key: &str) -> bool {
        self.what == what && self.key == key && self.stage != Stage::Leaving
    }

    fn message(&self) -> DeclareBody {
        let id = u32::from(self.id);
        let wire_expr = WireExpr::from(self.key.clone());
        let ext_wire_expr = WireExprType { wire_expr: wire_expr.clone() };
        match (self.what, self.stage) {
            (Declaration::Token, Stage::Leaving) => DeclareBody::UndeclareToken(UndeclareToken { id, ext_wire_expr }),
            (Declaration::Queryable, Stage::Leaving) => DeclareBody::UndeclareQueryable(UndeclareQueryable { id, ext_wire_expr }),
            (Declaration::Subscriber, Stage::Leaving) => DeclareBody::UndeclareSubscriber(UndeclareSubscriber { id, ext_wire_expr }),
            (Declaration::Key, Stage::Leaving) => DeclareBody::UndeclareKeyExpr(UndeclareKeyExpr { id: self.id }),
            (Declaration::Token, _) => DeclareBody::DeclareToken(DeclareToken { id, wire_expr }),
            (Declaration::Subscriber, _) => DeclareBody::DeclareSubscriber(DeclareSubscriber { id, wire_expr }),
            (Declaration::Key, _) => DeclareBody::DeclareKeyExpr(DeclareKeyExpr { id: self.id, wire_expr }),
            // Not "complete": a router that sees a complete queryable asks that one alone, and after a cut it may still hold the
            // previous session's for as long as the lease.
            (Declaration::Queryable, _) => {
                let ext_info = QueryableInfoType { complete: false, distance: 0 };
                DeclareBody::DeclareQueryable(DeclareQueryable { id, wire_expr, ext_info })
            }
        }
    }
}

fn intersect(asked: &str, ours: &str) -> bool {
    match (keyexpr::new(asked), keyexpr::new(ours)) {
        (Ok(asked), Ok(ours)) => asked.intersects(ours),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_goes_out_once_and_its_withdrawal_once() {
        let mut entities = Entities::default();
        entities.declare(Declaration::Token, "a/alive");
        entities.declare(Declaration::Token, "a/alive");
        assert!(matches!(entities.next(), Some((_, DeclareBody::DeclareToken(_)))));
        entities.settle();
        assert!(entities.next().is_none());
        entities.undeclare(Declaration::Token, "a/alive");
        assert!(matches!(entities.next(), Some((_, DeclareBody::UndeclareToken(_)))));
        entities.settle();
        assert!(entities.next().is_none() && entities.0.is_empty());
    }

    #[test]
    fn what_was_never_declared_need_not_be_withdrawn() {
        let mut entities = Entities::default();
        entities.declare(Declaration::Queryable, "a/history");
        entities.undeclare(Declaration::Token, "a/history");
        assert!(entities.next().is_some(), "a declaration of another kind stays");
        entities.undeclare(Declaration::Queryable, "a/history");
        assert!(entities.next().is_none());
    }

    #[test]
    fn what_is_declared_again_before_its_withdrawal_has_left_gets_a_number_of_its_own() {
        let mut entities = Entities::default();
        entities.declare(Declaration::Token, "a");
        entities.settle();
        entities.undeclare(Declaration::Token, "a");
        entities.declare(Declaration::Token, "a");
        assert!(matches!(entities.next(), Some((_, DeclareBody::UndeclareToken(UndeclareToken { id: 1, .. })))));
        entities.settle();
        assert!(matches!(entities.next(), Some((_, DeclareBody::DeclareToken(DeclareToken { id: 2, .. })))));
    }

    #[test]
    fn a_new_router_is_told_everything_but_what_was_to_be_withdrawn() {
        let mut entities = Entities::default();
        for key in ["a", "b"] {
            entities.declare(Declaration::Token, key);
            entities.settle();
        }
        entities.undeclare(Declaration::Token, "a");
        entities.forget_router();
        assert!(matches!(entities.next(), Some((key, DeclareBody::DeclareToken(_))) if key == "b"));
        entities.settle();
        assert!(entities.next().is_none());
    }

    #[test]
    fn a_key_is_a_number_only_while_the_router_knows_it() {
        let mut entities = Entities::default();
        entities.declare(Declaration::Key, "a/sample");
        assert_eq!(entities.wire_key("a/sample"), WireExpr::from("a/sample"));
        entities.settle();
        assert_eq!(entities.wire_key("a/sample"), WireExpr { scope: 1, suffix: "".into(), mapping: Mapping::Sender });
        assert_eq!(entities.wire_key("a/other"), WireExpr::from("a/other"));
        entities.undeclare(Declaration::Key, "a/sample");
        assert_eq!(entities.wire_key("a/sample"), WireExpr::from("a/sample"));
    }

    #[test]
    fn what_is_published_is_heard_while_a_subscriber_is_declared() {
        let mut entities = Entities::default();
        entities.declare(Declaration::Subscriber, "a/*");
        assert!(!entities.is_subscribed("a/b"), "the router does not know of it yet");
        entities.settle();
        assert!(entities.is_subscribed("a/b") && !entities.is_subscribed("b/a") && !entities.is_subscribed("not//a key"));
        entities.undeclare(Declaration::Subscriber, "a/*");
        assert!(!entities.is_subscribed("a/b"));
    }

    #[test]
    fn an_interest_finds_what_it_asks_for() {
        let mut entities = Entities::default();
        entities.declare(Declaration::Token, "sensors/1/alive");
        entities.declare(Declaration::Queryable, "sensors/1/history");
        entities.declare(Declaration::Subscriber, "sensors/1/inbox");
        (0..3).for_each(|_| entities.settle());
        assert_eq!(entities.matching(InterestOptions::SUBSCRIBERS, None).len(), 1);
        assert_eq!(entities.matching(InterestOptions::TOKENS, None).len(), 1);
        assert_eq!(entities.matching(InterestOptions::TOKENS + InterestOptions::QUERYABLES, Some("sensors/**")).len(), 2);
        assert_eq!(entities.matching(InterestOptions::TOKENS, Some("sensors/*/history")).len(), 0);
        assert_eq!(entities.matching(InterestOptions::TOKENS, Some("not//a key")).len(), 0);
    }
}
