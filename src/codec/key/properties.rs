//! Properties of keys, for any parts and for any text.

use proptest::prelude::*;

use super::*;

fn instrument() -> impl Strategy<Value = Instrument> {
    "[A-Z0-9]{1,20}-[A-Z0-9]{1,20}(-PERP|-20(2[0-9]|3[0-9])(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8]))?"
        .prop_map(|text| text.parse().expect("the grammar of WIRE.md"))
}

fn venue() -> impl Strategy<Value = Venue> {
    "[a-z0-9-]{1,32}".prop_map(|text| text.parse().expect("the grammar of WIRE.md"))
}

fn namespace() -> impl Strategy<Value = Namespace> {
    "[a-u][a-z0-9_-]{0,12}(:[a-u][a-z0-9_-]{0,12}){0,2}"
        .prop_map(|text| text.parse().expect("the grammar of WIRE.md"))
}

fn entity() -> impl Strategy<Value = Entity> {
    prop::sample::select(Entity::ALL.to_vec())
}

proptest! {
    #[test]
    fn every_value_key_comes_apart_into_what_it_was_made_of(
        namespace in namespace(), entity in entity(), instrument in instrument(), venue in venue(),
    ) {
        let key = value_key(&namespace, entity, &instrument, &venue);
        prop_assert_eq!(key.matches(['{', '}']).count(), 2, "one hash tag");
        let parts = parse_value_key(&namespace, &key).expect("a key of ours");
        prop_assert_eq!(parts, ValueKey { entity, instrument, venue });
    }

    #[test]
    fn a_key_of_another_namespace_is_never_taken_for_ours(
        ours in namespace(), theirs in namespace(), entity in entity(), instrument in instrument(), venue in venue(),
    ) {
        prop_assume!(ours != theirs);
        prop_assert!(parse_value_key(&ours, &value_key(&theirs, entity, &instrument, &venue)).is_err());
    }

    #[test]
    fn text_that_is_taken_for_a_key_is_exactly_that_key(text in "tickcache:v1:[a-z]{0,10}:[{A-Z0-9}-]{0,16}:[a-z0-9-]{0,8}") {
        let namespace = Namespace::default();
        if let Ok(ValueKey { entity, instrument, venue }) = parse_value_key(&namespace, &text) {
            prop_assert_eq!(value_key(&namespace, entity, &instrument, &venue), text);
        }
    }

    #[test]
    fn the_catalog_comes_apart_into_what_it_was_made_of(
        instrument in instrument(), venue in venue(), partition in any::<u16>(), entities in prop::collection::vec(entity(), 0..3),
    ) {
        let field = catalog_field(&instrument, &venue);
        prop_assert_eq!(parse_catalog_field(&field), Ok((instrument, venue.clone())));
        let feed = Feed { venue, partition };
        let value = catalog_value(&feed, &entities);
        prop_assert_eq!(parse_catalog_value(&value).map(|entry| (entry.feed, entry.entities)), Ok((feed, entities)));
    }
}
