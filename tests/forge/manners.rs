//! How often a forge is asked and told, and what becomes of what stands there already.

use std::time::Duration;

use vitrine_core::config::ForgeKind;

use super::stage::{Stage, context, on_each, until};
use crate::support::catalogue::{image, minimal};
use crate::support::forge::Fault;
use crate::support::players::Player;

const ALL_IS_WELL: (&str, &str, &str) = ("", "success", "1 solution: 1 Synced");
const ONE: (&str, &str, &str) = ("one", "success", "Synced: ");

/// A commit of no solution is told, and nothing else was since so many writes.
async fn only_the_next_commit_is_told(stage: &mut Stage, before: usize) {
    stage.catalogue.write("README.md", &format!("After {before} writes.\n"));
    let commit = stage.publish("A word to readers");
    let whole = context("");
    until(|| stage.said(&commit).contains_key(&whole), || "it is not told".to_owned()).await;
    assert_eq!(stage.forge().writes(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_behind_pages_of_other_peoples_rows_is_found_and_not_told_again() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        let head = stage.catalogue.head();
        stage.start().await;
        stage.stands(&head, &[ALL_IS_WELL, ONE]).await;
        stage.stop().await;
        // Three pages of those that have the longest; ours are the oldest of all.
        for n in 0..240 {
            let name = format!("ci/job-{n:03}");
            stage.forge().seed_by("ci-bot", head.as_str(), &name, "success", "green", "");
        }
        // The notes would know as well.
        stage.catalogue.git(&["update-ref", "-d", "refs/notes/vitrine/test"]);
        let (writes, reads) = (stage.forge().writes(), stage.forge().reads());
        stage.start().await;
        stage.daemon().settled(&head).await;
        until(|| stage.forge().reads() >= reads + 3, || "not every page is read".to_owned()).await;
        only_the_next_commit_is_told(stage, writes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_in_other_letters_is_ours_on_github() {
    on_each(&[ForgeKind::GitHub], &["one"], async |stage| {
        let head = stage.catalogue.head();
        stage.start().await;
        stage.stands(&head, &[ALL_IS_WELL, ONE]).await;
        stage.stop().await;
        for row in stage.forge().rows() {
            let name = row.context.to_uppercase();
            let (state, text) = (&row.state, &row.description);
            stage.forge().seed(head.as_str(), &name, state, text, &row.target_url);
        }
        assert!(stage.forge().latest(head.as_str()).contains_key("VITRINE/TEST/ONE"));
        stage.catalogue.git(&["update-ref", "-d", "refs/notes/vitrine/test"]);
        let (writes, reads) = (stage.forge().writes(), stage.forge().reads());
        stage.start().await;
        stage.daemon().settled(&head).await;
        until(|| stage.forge().reads() > reads, || "it is not read".to_owned()).await;
        only_the_next_commit_is_told(stage, writes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_that_is_full_keeps_only_itself_from_being_told() {
    on_each(&[ForgeKind::GitHub], &["one", "two"], async |stage| {
        let two = ("two", "success", "Synced: ");
        stage.start().await;
        let whole = ("", "success", "2 solutions: 2 Synced");
        stage.stands(&stage.catalogue.head(), &[whole, ONE, two]).await;
        stage.forge().max_per_context(1);
        // A failure goes before everything else, also if it were told again and again.
        stage.catalogue.edit("one/solution.yaml", "spec:", "spec:\n  replica: 3");
        let full = stage.commit("A mistake");
        let name = context("one");
        stage.forge().seed_by("ci-bot", full.as_str(), &name, "success", "not ours", "");
        let before = stage.forge().writes();
        stage.push();
        let whole = ("", "failure", "1 Failed (one)");
        stage.stands(&full, &[whole, ("one", "success", "not ours")]).await;
        let next = stage.update("two", 'b').await;
        stage.stands(&next, &[whole, two]).await;
        only_the_next_commit_is_told(stage, before + 4).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_touches_three_of_thirty_makes_at_most_eight_writes() {
    let names: Vec<String> = (0..30).map(|n| format!("s{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    on_each(&[ForgeKind::Gitea], &names, async |stage| {
        stage.start().await;
        let whole = ("", "success", "30 solutions: 30 Synced");
        stage.stands(&stage.catalogue.head(), &[whole]).await;
        // One more where thirty take longer than five seconds to publish.
        let before = stage.forge().writes();
        assert!(before <= 2, "{before}");
        // Slow enough for lines that say that it is under way.
        stage.cluster.players().stop(Player::Deployments).await;
        for name in ["s03", "s14", "s25"] {
            stage.image(name, 'b');
        }
        let head = stage.publish("Three newer images");
        let pending = |name| (name, "pending", "");
        stage.stands(&head, &[pending(""), pending("s03"), pending("s14"), pending("s25")]).await;
        stage.cluster.players().start(Player::Deployments);
        let good = |name| (name, "success", "Synced: ");
        stage.stands(&head, &[whole, good("s03"), good("s14"), good("s25")]).await;
        assert_eq!(stage.forge().writes(), before + 2 * 3 + 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_world_that_does_not_change_asks_nothing_of_a_forge() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        let head = stage.catalogue.head();
        stage.start().await;
        stage.stands(&head, &[ALL_IS_WELL, ONE]).await;
        until(|| !stage.noted(&head).is_empty(), || "it is not noted".to_owned()).await;
        let asked = stage.forge().requests().len();
        for _ in 0..8 {
            let before = stage.daemon().boards.borrow().checked_at;
            stage.daemon().hint();
            stage.daemon().board("looked at again", |board| board.checked_at > before).await;
        }
        assert_eq!(stage.forge().requests().len(), asked, "{:#?}", stage.forge().requests());
        only_the_next_commit_is_told(stage, asked - stage.forge().reads()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forge_that_wants_a_pause_gets_it_and_the_cluster_does_not_wait() {
    on_each(&[ForgeKind::GitHub], &["one"], async |stage| {
        stage.start().await;
        stage.stands(&stage.catalogue.head(), &[ALL_IS_WELL, ONE]).await;
        stage.forge().next_write(Fault::secondary_limit(2));
        let first = stage.update("one", 'b').await;
        let refused = |stage: &Stage| {
            let mut all = stage.forge().requests().into_iter();
            let refused = all.find(|request| request.code == Some(403));
            refused.map(|refused| (refused.at, all.next().map(|next| next.at)))
        };
        until(|| refused(stage).is_some(), || "no pause was wanted".to_owned()).await;
        let second = stage.update("one", 'c').await;
        let (asked, next) = refused(stage).unwrap();
        assert!(next.is_none(), "the cluster was not waited for: {:?}", asked.elapsed());
        println!("applied and seen running {:?} after the refusal", asked.elapsed());
        stage.stands(&second, &[ALL_IS_WELL, ONE]).await;
        // However late, it is told what the notes say.
        let both = || {
            let mut noted = stage.noted(&first);
            noted.retain(|context, _| !context.contains('#'));
            (stage.said(&first), noted)
        };
        let same = || both().0.len() == 2 && both().0 == both().1;
        until(same, || format!("not the same: {:#?}", both())).await;
        let next = refused(stage).unwrap().1.unwrap();
        assert!(next - asked >= Duration::from_secs(2), "{:?}", next - asked);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_were_made_to_harm_become_one_short_line() {
    on_each(&ForgeKind::ALL, &["one", "two", "three"], async |stage| {
        let first = stage.catalogue.head();
        stage.start().await;
        until(|| stage.said(&first).len() == 4, || "it is not told".to_owned()).await;
        let jokes = [
            ("one", "\\U0001F980\\n\\t\\r\\x1b[31m@everyone".to_owned()),
            ("two", "é".repeat(10_000)),
            ("three", "\\U0001F980 | `<b>@everyone</b>` [x](https://x.example)".to_owned()),
        ];
        for (name, joke) in jokes {
            let text = minimal(name).replace(&image('a'), &format!("\"{joke}\""));
            stage.catalogue.write(&format!("{name}/solution.yaml"), &text);
        }
        let commit = stage.publish("Three jokes");
        stage
            .stands(
                &commit,
                &[
                    ("", "failure", "3 solutions: 3 Failed (one, three, two)"),
                    ("one", "failure", "Failed: one/solution.yaml:6:10: "),
                    ("two", "failure", "Failed: two/solution.yaml:6:10: "),
                    ("three", "failure", "Failed: three/solution.yaml:6:10: "),
                ],
            )
            .await;
        for row in stage.forge().rows() {
            let odd = row.description.chars().any(char::is_control);
            assert!(!odd && row.description.chars().count() <= 140, "{row:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_what_is_well_has_no_line_of_its_own_a_red_one_still_turns_green() {
    on_each(&[ForgeKind::GitLab, ForgeKind::Gitea], &["one", "two"], async |stage| {
        stage.settings.forge.as_mut().unwrap().per_solution = false;
        stage.cluster.deny_deployments(&["sol-two"], "not on this cluster").await;
        stage.start().await;
        let head = stage.catalogue.head();
        let red = |said: &(String, String)| matches!(&*said.0, "failure" | "error");
        let (whole, two) = (context(""), context("two"));
        let is_red = || {
            let said = stage.said(&head);
            said.len() == 2 && said.get(&two).is_some_and(red) && said.get(&whole).is_some_and(red)
        };
        until(is_red, || format!("not red: {:#?}", stage.said(&head))).await;
        stage.cluster.deny_nothing().await;
        stage.daemon().hint();
        let all = ("", "success", "2 solutions: 2 Synced");
        stage.stands(&head, &[all, ("two", "success", "Synced: ")]).await;
        // The next commit is well from the start.
        let next = stage.update("two", 'b').await;
        stage.stands(&next, &[all]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_solutions_have_no_line_of_their_own_the_whole_and_what_fails_are_the_only_ones() {
    on_each(&ForgeKind::ALL, &["one", "two"], async |stage| {
        stage.settings.forge.as_mut().unwrap().per_solution = false;
        let first = stage.catalogue.head();
        stage.start().await;
        let whole = |state, text| ("", state, text);
        let all = whole("success", "2 solutions: 2 Synced");
        stage.stands(&first, &[all]).await;

        // A mistake has its line, its correction none.
        stage.catalogue.edit("two/solution.yaml", "spec:", "spec:\n  replica: 3");
        let broken = stage.publish("A mistake");
        let failed = ("two", "failure", "Failed: two/solution.yaml:6:3: ");
        stage.stands(&broken, &[whole("failure", "1 Failed (two)"), failed]).await;
        stage.catalogue.edit("two/solution.yaml", "\n  replica: 3", "");
        let mended = stage.publish("Its correction");
        stage.stands(&mended, &[all]).await;

        // What takes long is told of the whole alone, and so is its end.
        stage.cluster.players().stop(Player::Deployments).await;
        stage.image("one", 'b');
        let slow = stage.publish("A newer image");
        stage.stands(&slow, &[whole("pending", "")]).await;
        stage.cluster.players().start(Player::Deployments);
        stage.stands(&slow, &[all]).await;

        // So is a folder that goes.
        stage.catalogue.remove("two");
        let without = stage.publish("A folder less");
        let alone = whole("success", "1 solution: 1 Synced");
        stage.stands(&without, &[alone]).await;
        // The notes have a line for each all the same, also of the folder that went.
        let lines = |commit| {
            let mut noted = stage.noted(commit);
            noted.retain(|context, _| !context.contains('#'));
            noted.into_iter().map(|(context, (state, _))| (context, state)).collect::<Vec<_>>()
        };
        let good = |names: &[&str]| {
            names.iter().map(|name| (context(name), "success".to_owned())).collect::<Vec<_>>()
        };
        for (commit, names) in [
            (&first, &["", "one", "two"][..]),
            (&mended, &["", "two"]),
            (&slow, &["", "one"]),
            (&without, &["", "two"]),
        ] {
            until(|| lines(commit) == good(names), || format!("{:#?}", lines(commit))).await;
        }
        // Another life has nothing to add, and nothing is left open.
        let before = stage.forge().writes();
        stage.stop().await;
        stage.start().await;
        stage.daemon().settled(&without).await;
        only_the_next_commit_is_told(stage, before).await;

        let open = stage.forge().rows().into_iter();
        let open =
            open.filter(|row| stage.forge().latest(&row.sha)[&row.context].state == "pending");
        assert_eq!(open.map(|row| row.sha).collect::<Vec<_>>(), [""; 0]);
    })
    .await;
}
