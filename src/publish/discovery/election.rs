//! Which of several answers to believe.
//!
//! Owns the choice between sentinels that disagree, and between Cluster nodes that do. Never asks anybody.

use std::collections::HashMap;
use std::hash::BuildHasher;

use super::super::Endpoint;
use super::super::topology::ClusterSlots;

/// What a sentinel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// Where the primary is.
    pub(super) primary: Endpoint,
    /// The epoch of the failover that made it so; 0 = not told.
    pub(super) epoch: u64,
}

/// What a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It takes writes.
    Primary,
    /// It does not.
    Replica,
    /// The ACL forbids to ask: the sentinels are believed.
    Secret,
}

/// The primary, among those that say so themselves: the one of the newest failover, then the one that most sentinels
/// name, then the one in force.
///
/// What is in force and confirms it gives way to an older epoch only when more than half of the `sentinels` name another
/// one (an operator has set them up anew): a lone sentinel, cut off with the former primary, does not lead us back.
pub(super) fn choose_primary<S: BuildHasher>(
    claims: &HashMap<Endpoint, Claim, S>,
    roles: &HashMap<Endpoint, Role, S>,
    in_force: Option<&Claim>,
    sentinels: usize,
) -> Option<Claim> {
    let confirmed = |primary: &Endpoint| matches!(roles.get(primary), Some(Role::Primary | Role::Secret));
    let votes = |primary: &Endpoint| claims.values().filter(|claim| claim.primary == *primary).count();
    let others = in_force.map_or(0, |kept| claims.len() - votes(&kept.primary));
    let standing = in_force.filter(|_| others * 2 <= sentinels);
    claims
        .values()
        .chain(standing)
        .filter(|claim| confirmed(&claim.primary))
        .max_by_key(|claim| {
            let is_in_force = in_force.is_some_and(|kept| kept.primary == claim.primary);
            // The name is only there so that equals do not take turns.
            (claim.epoch, votes(&claim.primary), is_in_force, claim.primary.clone())
        })
        .cloned()
}

/// What a Cluster node says.
#[derive(Debug)]
pub(super) struct View {
    /// The newest epoch it knows; 0 = not told.
    pub(super) epoch: u64,
    /// Its map.
    pub(super) slots: ClusterSlots,
}

/// The map to believe: of those that know the newest epoch (a failover and a moved slot make a new one) the map that most
/// share, then the one in force. A node that knows no slots has no say.
pub(super) fn choose_slots<'a>(
    views: impl Iterator<Item = &'a View> + Clone,
    in_force: Option<&ClusterSlots>,
) -> Option<&'a View> {
    let same = |one: &ClusterSlots, other: &ClusterSlots| {
        one.primaries == other.primaries && one.slots == other.slots
    };
    let views = views.filter(|view| !view.slots.primaries.is_empty());
    let newest = views.clone().map(|view| view.epoch).max()?;
    let views = views.filter(|view| view.epoch == newest);
    views.clone().max_by_key(|view| {
        let votes = views.clone().filter(|other| same(&view.slots, &other.slots)).count();
        (votes, in_force.is_some_and(|kept| same(&view.slots, kept)))
    })
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::super::super::topology::parse_cluster_slots;
    use super::*;

    fn tcp(host: &str) -> Endpoint {
        Endpoint::Tcp { host: host.to_owned(), port: 1 }
    }

    fn claim((host, epoch): (&str, u64)) -> Claim {
        Claim { primary: tcp(host), epoch }
    }

    #[test]
    fn sentinels_that_disagree_are_believed_by_epoch_votes_and_the_servers_own_word() {
        use Role::{Primary, Replica, Secret};
        type Case<'a> =
            (&'a str, &'a [(&'a str, u64)], &'a [(&'a str, Role)], Option<(&'a str, u64)>, Option<&'a str>);
        let cases: &[Case] = &[
            ("nobody claims", &[], &[("a", Primary)], None, None),
            ("unconfirmed", &[("a", 1), ("a", 1)], &[], None, None),
            ("confirmed", &[("a", 1)], &[("a", Primary)], None, Some("a")),
            ("may not be asked", &[("a", 1)], &[("a", Secret)], None, Some("a")),
            ("a replica", &[("a", 1)], &[("a", Replica)], None, None),
            (
                "the newest failover",
                &[("a", 1), ("a", 1), ("b", 2)],
                &[("a", Primary), ("b", Primary)],
                Some(("a", 1)),
                Some("b"),
            ),
            (
                "the newest is not ready",
                &[("a", 1), ("b", 2)],
                &[("a", Primary), ("b", Replica)],
                Some(("a", 1)),
                Some("a"),
            ),
            (
                "votes",
                &[("a", 0), ("b", 0), ("b", 0)],
                &[("a", Primary), ("b", Primary)],
                Some(("a", 0)),
                Some("b"),
            ),
            (
                "a tie stays",
                &[("a", 0), ("b", 0)],
                &[("a", Primary), ("b", Primary)],
                Some(("a", 0)),
                Some("a"),
            ),
            (
                "a lone one that lags",
                &[("a", 1)],
                &[("a", Primary), ("b", Primary)],
                Some(("b", 2)),
                Some("b"),
            ),
            ("lagging, and ours is gone", &[("a", 1)], &[("a", Primary)], Some(("b", 2)), Some("a")),
            (
                "set up anew",
                &[("a", 0), ("a", 0)],
                &[("a", Primary), ("b", Primary)],
                Some(("b", 2)),
                Some("a"),
            ),
            ("all sentinels gone", &[], &[("b", Primary)], Some(("b", 2)), Some("b")),
        ];
        for (case, claims, roles, in_force, expected) in cases {
            let claims = claims
                .iter()
                .enumerate()
                .map(|(from, said)| (tcp(&format!("s{from}")), claim(*said)))
                .collect();
            let roles = roles.iter().map(|(host, role)| (tcp(host), *role)).collect();
            let chosen =
                choose_primary::<std::hash::RandomState>(&claims, &roles, in_force.map(claim).as_ref(), 3);
            assert_eq!(chosen.map(|claim| claim.primary), expected.map(tcp), "{case}");
        }
    }

    /// The whole of the slots at `host`; none at all for "".
    fn view(host: &str, epoch: u64) -> View {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let node = Value::Array(vec![text(host), Value::Int(1), text("id")]);
        let range = Value::Array(vec![Value::Int(0), Value::Int(16_383), node]);
        let ranges = if host.is_empty() { vec![] } else { vec![range] };
        View { epoch, slots: parse_cluster_slots(&Value::Array(ranges), &tcp("asked")).unwrap() }
    }

    #[test]
    fn nodes_that_disagree_are_believed_by_epoch_and_votes() {
        for (case, views, in_force, expected) in [
            ("nobody", vec![], "a", None),
            ("the newest", vec![view("a", 1), view("a", 1), view("b", 2)], "a", Some("b")),
            ("votes", vec![view("a", 2), view("b", 2), view("b", 2)], "a", Some("b")),
            ("a tie stays", vec![view("a", 2), view("b", 2)], "a", Some("a")),
            ("a tie stays, too", vec![view("a", 2), view("b", 2)], "b", Some("b")),
            ("a node on its own", vec![view("", 9), view("a", 2)], "a", Some("a")),
        ] {
            let kept = view(in_force, 0).slots;
            let chosen = choose_slots(views.iter(), Some(&kept)).map(|view| &view.slots.primaries[0]);
            assert_eq!(chosen, expected.map(tcp).as_ref(), "{case}");
        }
    }
}
