//! The bytes are those of another protobuf library, in both directions.
#![allow(clippy::unwrap_used)]

mod tree;

use proptest::prelude::*;
use prost::Message as _;
use prost_types::Value;

use jumpstarter_value::{ListReader, ListWriter, from_slice, to_struct, to_vec, validate};
use tree::{Tree, tree};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// (An empty key is left out by prost, where we write it as most others do.)
    #[test]
    fn we_write_the_same_bytes(tree in tree("\\PC{1,6}")) {
        prop_assert_eq!(to_vec(&tree).unwrap(), tree.prost().encode_to_vec());
    }

    #[test]
    fn they_read_what_we_write(tree in tree("\\PC{0,6}")) {
        prop_assert_eq!(Value::decode(&to_vec(&tree).unwrap()[..]).unwrap(), tree.prost());
    }

    #[test]
    fn we_read_what_they_write(tree in tree("\\PC{0,6}")) {
        let bytes = tree.prost().encode_to_vec();
        validate(&bytes).unwrap();
        prop_assert_eq!(from_slice::<serde_json::Value>(&bytes).unwrap(), tree.json());
    }

    #[test]
    fn json_survives(tree in tree("\\PC{0,6}")) {
        let json = tree.json();
        let bytes = to_vec(&json).unwrap();
        validate(&bytes).unwrap();
        prop_assert_eq!(from_slice::<serde_json::Value>(&bytes).unwrap(), json);
    }

    #[test]
    fn lists_are_list_values(trees in prop::collection::vec(tree("\\PC{1,6}"), 0..6)) {
        let list = prost_types::ListValue { values: trees.iter().map(Tree::prost).collect() };
        let mut writer = ListWriter::new();
        let mut raw = ListWriter::new();
        for tree in &trees {
            writer.push(tree).unwrap();
            raw.push_raw(&to_vec(tree).unwrap());
        }
        prop_assert_eq!(writer.as_bytes(), list.encode_to_vec());
        prop_assert_eq!(writer.as_bytes(), raw.as_bytes());
        prop_assert_eq!(writer.len(), trees.len());
        for (value, tree) in ListReader::new(writer.as_bytes()).zip(&trees) {
            prop_assert_eq!(value.unwrap(), to_vec(tree).unwrap());
        }
    }

    #[test]
    fn structs_are_structs(fields in prop::collection::btree_map("\\PC{1,6}", tree("[a-z]"), 0..6)) {
        let tree = Tree::Map(fields.clone());
        let Some(prost_types::value::Kind::StructValue(expected)) = tree.prost().kind else {
            panic!("a map is a struct");
        };
        prop_assert_eq!(to_struct(&fields).unwrap(), expected.encode_to_vec());
    }
}
