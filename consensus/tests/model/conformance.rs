//! The model is the core: the same verdict on every question that can be asked in four views, and the
//! same signatures on random schedules, step by step.

use super::condition::{Justification, Rules, Verdict};
use super::replay::{Difference, Replay, Seen};
use super::scope::{Scope, View};
use super::state::{Marks, Member};
use super::step::World;
use super::support::random::Random;
use super::{FULL, TWO_VIEWS, production};

const VIEWS: std::ops::RangeInclusive<View> = 0..=4;

/// A question to `SafetyRules`, and the model's answer under some rules.
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) core: Verdict,
    pub(crate) model: Verdict,
}

/// Every question whose answers differ.
pub(crate) fn differences(rules: Rules) -> Vec<Question> {
    let mut found = Vec::new();
    let mut count = 0;
    let mut ask = |text: &dyn Fn() -> String, core: Verdict, model: Verdict| {
        count += 1;
        if core != model {
            found.push(Question { text: text(), core, model });
        }
    };
    for member in members() {
        for v in 1..=4 {
            ask(
                &|| format!("commit {v} {member:?}"),
                production::commit(&member, v),
                rules.commit(&member, v),
            );
            ask(
                &|| format!("timeout {v} {member:?}"),
                production::timeout(&member, v),
                rules.timeout(&member, v),
            );
        }
        // Commit votes are none of its business.
        if member.marks.committed > 0 {
            continue;
        }
        for v in 1..=4 {
            for on in justifications() {
                ask(
                    &|| format!("prepare {v} {on:?} {member:?}"),
                    production::prepare(&member, v, on),
                    rules.prepare(&member, v, on),
                );
            }
        }
    }
    println!("{:?}: {count} questions, {} answered otherwise", rules.removed, found.len());
    found
}

fn members() -> Vec<Member> {
    let mut members = vec![Member { lost: true, ..Member::FRESH }];
    for view in 1..=4 {
        for prepared in VIEWS {
            for timed_out in VIEWS {
                for committed in VIEWS {
                    let marks = Marks { prepared, timed_out, committed, high_qc: 0 };
                    let timeouts =
                        if timed_out > 0 { Member::timeout_bit(timed_out, 0) } else { 0 };
                    members.push(Member { view, marks, timeouts, ..Member::FRESH });
                }
            }
        }
    }
    members
}

fn justifications() -> Vec<Justification> {
    let tcs = (1..=4).flat_map(|view| (0..view).map(move |maximum| Some((view, maximum))));
    let tcs: Vec<_> = tcs.chain([None]).collect();
    VIEWS.flat_map(|qc| tcs.iter().map(move |tc| Justification { qc, tc: *tc })).collect()
}

/// Random schedules, two thirds of their steps permitted; up to the first difference.
pub(crate) fn walks(world: &World, count: u64) -> Result<Seen, Difference> {
    let mut random = Random::new(count);
    let mut seen = Seen::default();
    for _ in 0..count {
        let mut replay = Replay::new(world);
        replay.seen = seen;
        for _ in 0..random.between(5, 40) {
            let mut acts = replay.acts();
            if random.chance(666) {
                acts.retain(|step| world.take(&replay.state, *step).is_ok());
            }
            if acts.is_empty() {
                break;
            }
            let pick = usize::try_from(random.below(acts.len() as u64)).unwrap();
            replay.perform(acts[pick])?;
        }
        seen = replay.seen;
    }
    Ok(seen)
}

/// R1, R2, R3, R5, R10.
#[test]
fn safety_rules_say_what_the_model_says() {
    let found = differences(Rules::ALL);
    let first = found.first().map(|q| (&q.text, q.core, q.model));
    assert!(found.is_empty(), "{first:?}");
}

/// R10.
#[test]
fn readmission_is_what_the_model_says() {
    for above in VIEWS {
        for commit in 1..=4 {
            for quorum in VIEWS {
                let marks = production::readmit(above, commit, quorum);
                let permitted = commit > above && quorum >= commit;
                let expected = permitted.then_some(Marks {
                    prepared: commit,
                    timed_out: commit,
                    committed: commit,
                    high_qc: quorum,
                });
                assert_eq!(marks, expected, "above {above}, CC {commit}, QC {quorum}");
            }
        }
    }
}

/// R0 to R6.
#[test]
fn replicas_sign_what_the_model_signs() {
    for scope in [TWO_VIEWS, FULL] {
        let world = World::new(scope, Rules::ALL);
        let seen = walks(&world, walks_of(scope)).unwrap_or_else(|difference| {
            panic!("core and model differ: {difference:?}");
        });
        println!("{} views: {seen:?}", scope.views());
        assert!(seen.commits_in_last_view > 100 && seen.prepares_after_timeouts > 100);
        assert!(seen.refusals > 100 && seen.timeouts > 100);
    }
}

const fn walks_of(scope: Scope) -> u64 {
    if scope.tags.len() == 2 { 1000 } else { 2000 }
}
