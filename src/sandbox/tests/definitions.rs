//! Our definitions against what is rendered. Whether they are a true subset of the real ones is
//! judged by `tests/corpus/crds.rs`.

use super::*;

#[test]
fn every_custom_kind_that_we_render_has_a_definition() {
    let s = sandbox();
    for kind in vitrine_core::model::Kind::RENDERED {
        assert!(s.resource(kind).is_some(), "{kind}");
    }
}
