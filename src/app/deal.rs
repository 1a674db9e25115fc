//! Which feed is on which shard.
//!
//! Owns the dealing out, and nothing else. The same sizes always give the same answer, so that a restart changes nothing.

/// The shard of each feed, by the number of its instruments: the largest feed first, each to the shard that has the fewest
/// instruments so far; of equals the first. No shard is without a feed: with fewer feeds than shards each has its own.
pub(super) fn deal(sizes: &[usize], shards: usize) -> Vec<usize> {
    assert!(shards > 0, "somebody must have the feeds");
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&feed| std::cmp::Reverse(sizes[feed]));
    let mut loads = vec![0_usize; shards.min(sizes.len())];
    let mut dealt = vec![0; sizes.len()];
    for feed in order {
        let least = loads.iter().enumerate().min_by_key(|(_, load)| **load);
        let (shard, _) = least.expect("there are feeds, so there are shards");
        // A feed without instruments is work all the same.
        loads[shard] += sizes[feed].max(1);
        dealt[feed] = shard;
    }
    dealt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_go_first_and_each_to_the_shard_that_has_least() {
        for (sizes, shards, expected) in [
            (&[][..], 4, &[][..]),
            (&[7], 1, &[0]),
            (&[1, 2, 3], 1, &[0, 0, 0]),
            (&[10, 10, 10], 3, &[0, 1, 2]),
            (&[1, 9, 4, 4], 2, &[1, 0, 1, 1]),
            (&[5, 5, 5, 5, 20], 2, &[1, 1, 1, 1, 0]),
            (&[3, 3, 2, 2, 2], 2, &[0, 1, 0, 1, 0]),
        ] {
            assert_eq!(deal(sizes, shards), expected, "{sizes:?} over {shards}");
        }
    }

    #[test]
    fn there_are_never_more_shards_than_feeds_and_none_of_them_is_idle() {
        for feeds in 1..40_usize {
            let sizes: Vec<usize> = (0..feeds).map(|feed| feed * 7919 % 23).collect();
            for shards in 1..=16 {
                let dealt = deal(&sizes, shards);
                let used: std::collections::BTreeSet<_> = dealt.iter().copied().collect();
                assert_eq!(used, (0..shards.min(feeds)).collect(), "{feeds} feeds, {shards} shards");
                let load = |shard| -> usize {
                    sizes
                        .iter()
                        .zip(&dealt)
                        .filter(|(_, of)| **of == shard)
                        .map(|(size, _)| size.max(&1))
                        .sum()
                };
                let loads: Vec<usize> = used.into_iter().map(load).collect();
                let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
                assert!(most - least <= 23, "no feed could be moved to make it more even: {loads:?}");
            }
        }
    }
}
