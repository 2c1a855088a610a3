//! One story of a branch, and what stands on each of its commits: the same on every forge as in the
//! notes.

use std::collections::BTreeMap;
use std::time::Duration;

use vitrine_core::config::ForgeKind;
use vitrine_core::model::Revision;
use vitrine_core::status::Sync;

use super::stage::{Stage, context, until};
use crate::support::catalogue::minimal;
use crate::support::players::Player;

/// By how much a silent forge may hold the cluster up: by what two cores need for something else.
const SLACK: Duration = Duration::from_secs(2);

macro_rules! everywhere {
    (async fn $name:ident($stage:ident: &mut Stage) $body:block) => {
        mod $name {
            use super::*;

            async fn story($stage: &mut Stage) $body

            everywhere!(github: Some(ForgeKind::GitHub));
            everywhere!(gitlab: Some(ForgeKind::GitLab));
            everywhere!(gitea: Some(ForgeKind::Gitea));
            everywhere!(forgejo: Some(ForgeKind::Forgejo));
            everywhere!(notes: None);
        }
    };
    ($place:ident: $kind:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $place() {
            let mut stage = Stage::open($kind, &["one", "two", "three"]).await;
            story(&mut stage).await;
        }
    };
}

everywhere! {
    async fn every_commit_has_its_last_words(stage: &mut Stage) {
        // The first commit that is published, and each solution of it.
        let first = stage.catalogue.head();
        stage.start().await;
        let synced = |name| (name, "success", "Synced: ");
        let whole = |text| ("", "success", text);
        let all = whole("3 solutions: 3 Synced");
        stage.stands(&first, &[all, synced("one"), synced("two"), synced("three")]).await;

        // A mistake, and its correction.
        stage.catalogue.edit("two/solution.yaml", "spec:", "spec:\n  replica: 3");
        let broken = stage.publish("A mistake");
        let failure = |name, text| (name, "failure", text);
        stage
            .stands(&broken, &[
                failure("", "3 solutions: 2 Synced, 1 Failed (two)"),
                failure("two", "Failed: two/solution.yaml:6:3: "),
            ])
            .await;
        stage.catalogue.edit("two/solution.yaml", "\n  replica: 3", "");
        let mended = stage.publish("Its correction");
        stage.stands(&mended, &[all, synced("two")]).await;

        // Two commits in one push: only the last of them was ever the head.
        stage.image("one", 'b');
        let lower = stage.commit("One of two");
        stage.image("three", 'b');
        let upper = stage.publish("Two of two");
        let up = stage.is_applied("three", 'b').await;
        stage.stands(&lower, &[synced("one")]).await;
        stage.stands(&upper, &[all, synced("three")]).await;

        // Changed again before it was seen running.
        stage.cluster.players().stop(Player::Deployments).await;
        stage.image("one", 'c');
        let early = stage.publish("Overtaken");
        let waits = |board: &vitrine_core::status::Board| {
            board.revision.as_ref() == Some(&early)
                && board.verdicts.iter().any(|v| v.reason.starts_with("woken once"))
        };
        stage.daemon().board("being verified", waits).await;
        stage.image("one", 'd');
        let late = stage.publish("What overtakes it");
        stage.daemon().board("at the later commit", |b| b.revision.as_ref() == Some(&late)).await;
        stage.cluster.players().start(Player::Deployments);
        let as_part = format!("applied as part of {}", late.short());
        let by = format!("overtaken by {}: 3 solutions: 3 Synced", late.short());
        stage.stands(&early, &[whole(&by), ("one", "success", &as_part)]).await;
        stage.stands(&late, &[all, synced("one")]).await;

        // A folder less, and one that has another name.
        stage.catalogue.remove("two");
        stage.catalogue.remove("three");
        stage.image("third", 'b');
        let without = stage.publish("A folder less, and another name");
        let went = |name| format!("objects, https://{name}.demo.example no longer answers");
        let (went_two, went_three) = (went("two"), went("three"));
        let two = whole("2 solutions: 2 Synced");
        let gone = [("two", "success", &*went_two), ("three", "success", &*went_three)];
        let lines = [two, gone[0], synced("third"), gone[1]];
        stage.stands(&without, &lines).await;

        // A push that takes a commit away again while somebody waits for it.
        stage.cluster.players().stop(Player::Deployments).await;
        stage.image("one", 'e');
        let lost = stage.publish("Taken back");
        let pending = |name| (name, "pending", "");
        stage.stands(&lost, &[pending(""), pending("one")]).await;
        stage.catalogue.git(&["reset", "-q", "--hard", "HEAD~1"]);
        stage.image("third", 'c');
        let instead = stage.publish("What is there instead");
        stage.daemon().board("at the new head", |b| b.revision.as_ref() == Some(&instead)).await;
        stage.cluster.players().start(Player::Deployments);
        stage.stands(&instead, &[two, synced("third")]).await;
        let by = format!("overtaken by {}: 2 solutions: 2 Synced", instead.short());
        let gone = format!("not on the branch any more; {} is", instead.short());
        stage.stands(&lost, &[whole(&by), ("one", "error", &gone)]).await;

        // No solution at all.
        stage.catalogue.write("README.md", "A word to readers.\n");
        let readme = stage.publish("A word to readers");
        stage.stands(&readme, &[two]).await;

        // Many at once, one of them broken; then all of them at once.
        let names: Vec<String> = (0..21).map(|n| format!("s{n:02}")).collect();
        for name in &names {
            stage.catalogue.write(&format!("{name}/solution.yaml"), &minimal(name));
        }
        stage.catalogue.edit("s00/solution.yaml", "spec:", "spec:\n  replica: 3");
        let many = stage.publish("Many");
        let but_one = "23 solutions: 22 Synced, 1 Failed (s00)";
        let mut lines = vec![failure("", but_one), failure("s00", "s00/solution.yaml:6:3: ")];
        if stage.tells_each_of(names.len()) {
            lines.extend(names.iter().skip(1).map(|name| synced(name)));
        }
        stage.stands(&many, &lines).await;
        let priority = "spec:\n  nodes: {priorityClassName: demonstrators}";
        stage.catalogue.edit("platform.yaml", "spec:", priority);
        stage.catalogue.edit("s00/solution.yaml", "\n  replica: 3", "");
        let for_all = stage.publish("A change for all, and a correction");
        let all = whole("23 solutions: 23 Synced");
        stage.stands(&for_all, &[all, synced("s00")]).await;

        // Another life, which has nothing to add to what stands there.
        let before = stage.writes();
        stage.stop().await;
        stage.start().await;
        stage.daemon().settled(&for_all).await;
        stage.catalogue.write("README.md", "Another word to readers.\n");
        let readme = stage.publish("Another word");
        stage.stands(&readme, &[all]).await;
        assert_eq!(stage.writes(), before + 1);

        // A life that ends between two lines of one commit.
        stage.hang_after_one();
        stage.image("one", 'f');
        let cut = stage.publish("Cut off");
        stage.hangs_at(&cut).await;
        stage.kill();
        stage.start().await;
        stage.stands(&cut, &[all, synced("one")]).await;

        // A place that nobody reaches: the cluster does not wait for it, and nothing is lost.
        stage.down(true);
        stage.image("third", 'd');
        let unheard = stage.publish("While it is down");
        let down = stage.is_applied("third", 'd').await;
        stage.is_troubled(true).await;
        stage.daemon().settled(&unheard).await;
        stage.unavailable(true);
        stage.down(false);
        stage.image("one", '0');
        let unanswered = stage.publish("While it answers nobody");
        let unavailable = stage.is_applied("one", '0').await;
        println!(
            "{:?}: applied within {up:?}, while the place was down {down:?}, while it answered \
             nobody {unavailable:?}",
            stage.kind()
        );
        assert!(down < up + SLACK && unavailable < up + SLACK);
        stage.daemon().settled(&unanswered).await;
        stage.unavailable(false);
        stage.stands(&unheard, &[whole("23 solutions: 23 Synced"), synced("third")]).await;
        stage.stands(&unanswered, &[all, synced("one")]).await;
        stage.is_troubled(false).await;

        // A line that is stored, and whoever wrote it does not know.
        stage.lose_the_next_answer();
        stage.image("one", '1');
        let unsure = stage.publish("Heard, and not answered");
        stage.stands(&unsure, &[all, synced("one")]).await;

        let board = stage.daemon().settled(&unsure).await;
        assert!(board.verdicts.iter().all(|verdict| verdict.sync == Sync::Synced));
        nothing_is_left_open(stage, &lost).await;
    }
}

/// No line of any commit waits for another, each was said once, and in the form that its place
/// takes.
async fn nothing_is_left_open(stage: &Stage, lost: &Revision) {
    let listed = stage.catalogue.git(&["rev-list", "main", lost.as_str()]);
    let commits: Vec<Revision> = listed.lines().map(|sha| Revision::parse(sha).unwrap()).collect();
    for commit in &commits {
        // In the notes also what is remembered of the forge.
        let open = || {
            let all = [stage.said(commit), stage.noted(commit)];
            all.into_iter()
                .flatten()
                .filter(|(_, (state, _))| state == "pending")
                .collect::<Vec<_>>()
        };
        until(|| open().is_empty(), || format!("{}: {:#?}", commit.short(), open())).await;
    }
    let Some(kind) = stage.kind() else { return };
    let forge = stage.forge();
    assert_eq!(forge.faults(), [""; 0]);
    let mut words: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for row in forge.rows() {
        let most = if kind == ForgeKind::GitLab { 255 } else { 140 };
        assert!(row.description.chars().count() <= most, "{row:?}");
        assert!(row.context.starts_with(&context("")), "{row:?}");
        assert_eq!(row.reference.as_deref(), (kind == ForgeKind::GitLab).then_some("main"));
        words.entry((row.sha, row.context)).or_default().push(row.state);
    }
    for (place, states) in words {
        let last = states.iter().filter(|state| *state != "pending").count();
        assert!(last == 1 && states.len() <= 2, "{place:?}: {states:?}");
    }
}
