//! What a session has declared to the router, or is about to: tokens and queryables. A declaration that does not fit into the transmit
//! buffer waits here until it does.

use zenoh_protocol::core::WireExpr;
use zenoh_protocol::core::key_expr::keyexpr;
use zenoh_protocol::network::declare::common::ext::WireExprType;
use zenoh_protocol::network::declare::queryable::ext::QueryableInfoType;
use zenoh_protocol::network::declare::{DeclareBody, DeclareQueryable, DeclareToken, UndeclareQueryable, UndeclareToken};
use zenoh_protocol::network::interest::InterestOptions;

/// The kinds of things a reader declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Token,
    Queryable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// To be declared.
    New,
    Declared,
    /// To be withdrawn.
    Leaving,
}

#[derive(Debug)]
struct Entity {
    id: u32,
    kind: Kind,
    key: String,
    stage: Stage,
}

/// All of them, in the order of their declaration.
#[derive(Debug, Default)]
pub(super) struct Entities(Vec<Entity>);

impl Entities {
    pub(super) fn declare(&mut self, id: u32, kind: Kind, key: &str) {
        self.0.push(Entity { id, kind, key: key.into(), stage: Stage::New });
    }

    pub(super) fn withdraw(&mut self, id: u32) {
        self.0.retain(|entity| entity.id != id || entity.stage != Stage::New);
        for entity in self.0.iter_mut().filter(|entity| entity.id == id) {
            entity.stage = Stage::Leaving;
        }
    }

    /// The next message the router has not had yet, with its key; `settle` once it is on its way.
    pub(super) fn next(&self) -> Option<(String, DeclareBody)> {
        let entity = self.0.iter().find(|entity| entity.stage != Stage::Declared)?;
        Some((entity.key.clone(), entity.message()))
    }

    /// The message `next` gave is on its way.
    pub(super) fn settle(&mut self) {
        if let Some(index) = self.0.iter().position(|entity| entity.stage != Stage::Declared) {
            match self.0[index].stage {
                Stage::Leaving => drop(self.0.remove(index)),
                _ => self.0[index].stage = Stage::Declared,
            }
        }
    }

    /// The answers to an Interest in `asked` kinds, under `key` if it is restricted to one.
    pub(super) fn matching(&self, asked: InterestOptions, key: Option<&str>) -> Vec<(String, DeclareBody)> {
        let wanted = |entity: &&Entity| {
            let kind = match entity.kind {
                Kind::Token => asked.tokens(),
                Kind::Queryable => asked.queryables(),
            };
            entity.stage == Stage::Declared && kind && key.is_none_or(|key| intersect(key, &entity.key))
        };
        self.0.iter().filter(wanted).map(|entity| (entity.key.clone(), entity.message())).collect()
    }
}

impl Entity {
    fn message(&self) -> DeclareBody {
        let id = self.id;
        let wire_expr = WireExpr::from(self.key.clone());
        let ext_wire_expr = WireExprType { wire_expr: wire_expr.clone() };
        match (self.kind, self.stage) {
            (Kind::Token, Stage::Leaving) => DeclareBody::UndeclareToken(UndeclareToken { id, ext_wire_expr }),
            (Kind::Queryable, Stage::Leaving) => DeclareBody::UndeclareQueryable(UndeclareQueryable { id, ext_wire_expr }),
            (Kind::Token, _) => DeclareBody::DeclareToken(DeclareToken { id, wire_expr }),
            // Not "complete": a router that sees a complete queryable asks that one alone, and after a cut it may still hold the
            // previous session's for as long as the lease.
            (Kind::Queryable, _) => {
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
        entities.declare(1, Kind::Token, "a/alive");
        assert!(matches!(entities.next(), Some((_, DeclareBody::DeclareToken(_)))));
        entities.settle();
        assert!(entities.next().is_none());
        entities.withdraw(1);
        assert!(matches!(entities.next(), Some((_, DeclareBody::UndeclareToken(_)))));
        entities.settle();
        assert!(entities.next().is_none() && entities.0.is_empty());
    }

    #[test]
    fn what_was_never_declared_need_not_be_withdrawn() {
        let mut entities = Entities::default();
        entities.declare(1, Kind::Queryable, "a/history");
        entities.withdraw(1);
        assert!(entities.next().is_none());
    }

    #[test]
    fn an_interest_finds_what_it_asks_for() {
        let mut entities = Entities::default();
        entities.declare(1, Kind::Token, "tic/v1/1/alive");
        entities.declare(2, Kind::Queryable, "tic/v1/1/history");
        entities.settle();
        entities.settle();
        assert_eq!(entities.matching(InterestOptions::TOKENS, None).len(), 1);
        assert_eq!(entities.matching(InterestOptions::TOKENS + InterestOptions::QUERYABLES, Some("tic/v1/**")).len(), 2);
        assert_eq!(entities.matching(InterestOptions::TOKENS, Some("tic/v1/*/history")).len(), 0);
        assert_eq!(entities.matching(InterestOptions::TOKENS, Some("not//a key")).len(), 0);
    }
}
