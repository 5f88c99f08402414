//! The power factor by level of load: what is believed at some nodes of apparent power, and a line between them.
//!
//! A power factor belongs to a load: a fridge has another than an oven. Nodes lie closer where loads are small, each 1.3 times the one
//! before, and linear weights leave no jump where two levels meet. Each node has a variance, which says how far it is believed.

use serde::{Deserialize, Serialize};

/// Nodes: from 40 VA to 12.8 kVA.
pub const COUNT: usize = 23;
/// The lowest node, in VA.
const LOWEST_VA: f64 = 40.0;
/// Each node over the one before.
const RATIO: f64 = 1.3;
/// No load has a power factor below this.
const PF_MIN: f64 = 0.05;
/// Variance of what nobody has seen, and the most that forgetting leads to.
const VARIANCE_BEGIN: f64 = 0.10 * 0.10;
const VARIANCE_MAX: f64 = 0.12 * 0.12;
const VARIANCE_MIN: f64 = 1e-5;
/// What a window adds to the variance of a node it has used, and of another.
const FORGOTTEN_USED: f64 = 2e-5;
const FORGOTTEN_OTHER: f64 = 4e-6;
/// What a restart adds: the house may have changed.
const FORGOTTEN_RESTART: f64 = 0.01 * 0.01;
/// Below so many VAh a node counts as unseen; above so many it may lend to others.
const UNSEEN_VAH: f64 = 0.3;
const LENDS_VAH: f64 = 2.0;
/// The non-active power of a house that nothing is known of: a share of the apparent power, and at most so many VA.
const NON_ACTIVE_SHARE: f64 = 0.55;
const NON_ACTIVE_MAX_VA: f64 = 150.0;
/// What is known of a turn of the sign says something of loads below so many times it.
const NEAR_THE_TURN: f64 = 2.0;
/// The largest share of non-active power that is lent to a higher node, and the lowest factor that is lent to a lower one.
const LENT_SHARE_MAX: f64 = 0.6;
const LENT_DOWN_MIN: f64 = 0.4;

/// The weights of a load: the two nodes around it.
pub type Weights = [(usize, f64); 2];

/// What is known at each node.
#[derive(Debug, Clone, PartialEq)]
pub struct Nodes {
    /// The power factor.
    pub(super) factor: [f64; COUNT],
    /// Its variance.
    pub(super) variance: [f64; COUNT],
    /// How much was measured there, in VAh.
    pub(super) seen: [f64; COUNT],
}

/// The same in whole numbers, as it is kept: millionths, thousand millionths and thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptNodes {
    factor: Vec<u32>,
    variance: Vec<u32>,
    seen: Vec<u64>,
}

impl Default for Nodes {
    fn default() -> Self {
        Self { factor: core::array::from_fn(|node| usual(apparent(node))), variance: [VARIANCE_BEGIN; COUNT], seen: [0.0; COUNT] }
    }
}

/// The apparent power of a node, in VA.
fn apparent(node: usize) -> f64 {
    LOWEST_VA * RATIO.powf(node as f64)
}

/// The power factor of a load in a house that nothing is known of.
fn usual(apparent: f64) -> f64 {
    let share = (NON_ACTIVE_MAX_VA / apparent).min(NON_ACTIVE_SHARE);
    (1.0 - share * share).sqrt()
}

/// The weights of a load of so many VA.
#[must_use]
pub fn weights(apparent: f64) -> Weights {
    let place = ((apparent.max(LOWEST_VA) / LOWEST_VA).ln() / RATIO.ln()).min((COUNT - 1) as f64);
    let node = (place as usize).min(COUNT - 2);
    let upper = place - node as f64;
    [(node, 1.0 - upper), (node + 1, upper)]
}

impl Nodes {
    /// The power factor of a load of so many VA.
    #[must_use]
    pub fn factor(&self, apparent: f64) -> f64 {
        weights(apparent).iter().map(|(node, weight)| weight * self.factor[*node]).sum()
    }

    /// The standard deviation of the power of a load of so many VA, in W.
    #[must_use]
    pub fn deviation(&self, apparent: f64) -> f64 {
        apparent * weights(apparent).iter().map(|(node, weight)| weight * weight * self.variance[*node]).sum::<f64>().sqrt()
    }

    /// Whether a load of so many VA was measured before.
    #[must_use]
    pub fn has_seen(&self, apparent: f64) -> bool {
        weights(apparent).iter().any(|(node, weight)| *weight > 0.0 && self.seen[*node] >= UNSEEN_VAH)
    }

    /// So many VA are not active just where the sign turns: near there, a load that nobody has measured has its factor from that. Otherwise
    /// a battery that brings the grid to 0 W would be told of what is not there, and swing.
    pub fn expect(&mut self, non_active: f64) {
        for node in (0..COUNT).filter(|node| apparent(*node) < NEAR_THE_TURN * non_active) {
            if self.seen[node] < UNSEEN_VAH {
                let share = (non_active / apparent(node)).min(1.0);
                self.factor[node] = (1.0 - share * share).sqrt().clamp(PF_MIN, usual(apparent(node)));
            }
        }
    }

    /// Another load of so many VA runs: its factor is at least so uncertain.
    pub fn doubt(&mut self, apparent: f64, variance: f64) {
        for (node, _) in weights(apparent) {
            self.variance[node] = self.variance[node].max(variance);
        }
    }

    /// The energy of these VAh at the nodes, in Wh.
    #[must_use]
    pub fn energy(&self, drawn: &[f64; COUNT]) -> f64 {
        drawn.iter().zip(&self.factor).map(|(vah, factor)| vah * factor).sum()
    }

    /// Takes in that these VAh at the nodes were so many Wh, measured with this variance: one step of a Kalman filter with a diagonal
    /// covariance.
    #[must_use]
    pub fn updated(&self, drawn: &[f64; COUNT], wh: f64, variance: f64) -> Self {
        let mut updated = self.clone();
        let error = wh - self.energy(drawn);
        let sum = variance + drawn.iter().zip(&self.variance).map(|(vah, variance)| variance * vah * vah).sum::<f64>();
        for (node, vah) in drawn.iter().enumerate() {
            let gain = self.variance[node] * vah / sum;
            updated.factor[node] = (self.factor[node] + gain * error).clamp(PF_MIN, 1.0);
            updated.variance[node] = (self.variance[node] * (1.0 - gain * vah)).max(VARIANCE_MIN);
        }
        updated
    }

    /// A window with these VAh at the nodes is closed.
    pub fn commit(&mut self, drawn: &[f64; COUNT]) {
        for (seen, vah) in self.seen.iter_mut().zip(drawn) {
            *seen += vah;
        }
        self.lend();
    }

    /// Time has passed: what was learnt grows old, most of all where it is in use.
    pub fn forget(&mut self, drawn: &[f64; COUNT]) {
        for (variance, vah) in self.variance.iter_mut().zip(drawn) {
            let forgotten = if *vah > 0.0 { FORGOTTEN_USED } else { FORGOTTEN_OTHER };
            *variance = (*variance + forgotten).min(VARIANCE_MAX);
        }
    }

    /// A node that nobody has seen takes the non-active power of the nearest one: most loads that are added are resistive.
    fn lend(&mut self) {
        for node in (0..COUNT).filter(|node| self.seen[*node] <= UNSEEN_VAH).collect::<Vec<_>>() {
            let lenders = (0..COUNT).filter(|lender| self.seen[*lender] > LENDS_VAH);
            let Some(lender) = lenders.min_by_key(|lender| lender.abs_diff(node)) else { return };
            self.factor[node] = if node > lender {
                let non_active = apparent(lender) * (1.0 - self.factor[lender].powi(2)).max(0.0).sqrt();
                (1.0 - (non_active / apparent(node)).min(LENT_SHARE_MAX).powi(2)).sqrt()
            } else {
                self.factor[lender].min(usual(apparent(node))).max(LENT_DOWN_MIN)
            };
        }
    }

    /// What is to be kept.
    #[must_use]
    pub fn kept(&self) -> KeptNodes {
        KeptNodes {
            factor: self.factor.iter().map(|factor| (factor * 1e6).round() as u32).collect(),
            variance: self.variance.iter().map(|variance| (variance * 1e9).round() as u32).collect(),
            seen: self.seen.iter().map(|seen| (seen * 1e3).round() as u64).collect(),
        }
    }

    /// What an earlier process kept, if it can be true.
    #[must_use]
    pub fn of_kept(kept: &KeptNodes) -> Option<Self> {
        let nodes = Self {
            factor: scaled(&kept.factor, 1e6)?,
            variance: scaled(&kept.variance, 1e9)?.map(|variance| (variance + FORGOTTEN_RESTART).min(VARIANCE_MAX)),
            seen: <[u64; COUNT]>::try_from(kept.seen.as_slice()).ok()?.map(|seen| seen as f64 / 1e3),
        };
        nodes.factor.iter().all(|factor| (PF_MIN..=1.0).contains(factor)).then_some(nodes)
    }
}

fn scaled(numbers: &[u32], scale: f64) -> Option<[f64; COUNT]> {
    Some(<[u32; COUNT]>::try_from(numbers).ok()?.map(|number| f64::from(number) / scale))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn between_two_nodes_nothing_jumps() {
        let nodes = Nodes::default();
        let mut before = nodes.factor(10.0);
        for apparent in 11..20_000 {
            let factor = nodes.factor(f64::from(apparent));
            assert!((factor - before).abs() < 0.01, "{apparent} VA");
            before = factor;
        }
        assert!((nodes.factor(100.0) - usual(100.0)).abs() < 0.02);
        assert!(nodes.factor(1e9) <= 1.0);
    }

    #[test]
    fn a_measured_load_is_believed_and_lends_to_larger_ones() {
        let mut nodes = Nodes::default();
        let mut drawn = [0.0; COUNT];
        for (node, weight) in weights(200.0) {
            drawn[node] = weight * 20.0;
        }
        nodes = nodes.updated(&drawn, 18.0, 0.01);
        nodes.commit(&drawn);
        assert!((nodes.factor(200.0) - 0.9).abs() < 0.01, "{}", nodes.factor(200.0));
        assert!(nodes.deviation(200.0) < 5.0);
        let non_active = 200.0 * (1.0_f64 - 0.81).sqrt();
        let watts = (2_000.0_f64.powi(2) - non_active * non_active).sqrt();
        assert!((2_000.0 * nodes.factor(2_000.0) - watts).abs() < 20.0);
    }

    #[test]
    fn what_is_kept_comes_back_a_little_less_believed() {
        let mut nodes = Nodes::default();
        nodes.commit(&[5.0; COUNT]);
        let back = Nodes::of_kept(&nodes.kept()).unwrap();
        assert!((back.factor(777.0) - nodes.factor(777.0)).abs() < 1e-5);
        assert!(back.deviation(777.0) > nodes.deviation(777.0));
        assert_eq!(Nodes::of_kept(&back.kept()).unwrap().factor, back.factor);
    }

    #[test]
    fn what_cannot_be_is_not_taken_back() {
        assert_eq!(Nodes::of_kept(&KeptNodes::default()), None);
        let mut kept = Nodes::default().kept();
        kept.factor[3] = 1_200_000;
        assert_eq!(Nodes::of_kept(&kept), None);
    }

    proptest! {
        #[test]
        fn factors_and_variances_stay_possible(measured in proptest::collection::vec((0.0..15_000.0f64, -5.0..500.0f64, 1e-4..1.0f64), 1..40)) {
            let mut nodes = Nodes::default();
            for (apparent, wh, variance) in measured {
                let mut drawn = [0.0; COUNT];
                weights(apparent).iter().for_each(|(node, weight)| drawn[*node] = weight * apparent / 60.0);
                nodes = nodes.updated(&drawn, wh, variance);
                nodes.commit(&drawn);
                nodes.forget(&drawn);
                prop_assert!(nodes.factor.iter().all(|factor| (PF_MIN..=1.0).contains(factor)));
                prop_assert!(nodes.variance.iter().all(|variance| *variance > 0.0));
            }
        }
    }
}
