use logothete_primitives::View;

use super::check_parent_view;
use crate::rejection::Rejection;

/// R0: of votes and QCs.
#[test]
fn a_parent_is_of_an_earlier_view() {
    let below = |parent, view| check_parent_view(View::new(parent), View::new(view));
    let not_below = |parent, view| {
        Err(Rejection::ParentNotBelow { parent: View::new(parent), view: View::new(view) })
    };
    assert_eq!([below(0, 1), below(4, 5), below(0, 9)], [Ok(()), Ok(()), Ok(())]);
    assert_eq!([below(5, 5), below(6, 5)], [not_below(5, 5), not_below(6, 5)]);
    assert_eq!(below(0, 0), Err(Rejection::ViewZero));
}
