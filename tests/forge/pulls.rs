//! Pull requests, from their opening to what is said after the merge, on every forge.

use vitrine_core::config::{ForgeKind, PullRequests};
use vitrine_core::model::Revision;
use vitrine_core::status::Board;

use super::author::{Author, MARK, ONE, is_validated, opened, ours, says, validated};
use super::stage::{Stage, on_each, until};
use crate::support::catalogue::{image, minimal};
use crate::support::forge::FakeForge;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_is_told_from_its_opening_to_what_the_merge_became() {
    on_each(&ForgeKind::ALL, &["one", "two"], async |stage| {
        opened(stage, PullRequests::Comment).await;
        let author = |stage: &Stage, edit: fn(&Stage)| Author { stage }.pushes(ONE, edit);

        // Opened.
        let head = author(stage, |stage| stage.image("one", 'b'));
        is_validated(stage, &head, "success", "1 changed; 1 solution as before").await;
        let first =
            says(stage, ONE, &["**What a merge changes at vitrine/test:**", "### `one` · changed"])
                .await;
        assert_eq!(stage.forge().comment_writes(), 1);

        // Pushed over: the same comment says something else.
        let head = author(stage, |stage| {
            stage.image("one", 'b');
            stage.catalogue.write("four/solution.yaml", &minimal("four"));
        });
        let second = says(stage, ONE, &["1 new, 1 changed", "### `four` · new"]).await;
        assert_eq!((second.id, stage.forge().comment_writes()), (first.id, 2));
        is_validated(stage, &head, "success", "1 new, 1 changed").await;

        // Pushed with another message alone: the head is told, and nobody is told twice.
        let head = author(stage, |stage| {
            stage.image("one", 'b');
            stage.catalogue.write("four/solution.yaml", &minimal("four"));
            stage.catalogue.write("NOTES.md", "Nothing of vitrine's.\n");
        });
        is_validated(stage, &head, "success", "1 new, 1 changed").await;
        assert_eq!(stage.forge().comment_writes(), 2);

        // Another life finds what stands there.
        let statuses = stage.forge().writes();
        stage.stop().await;
        stage.start().await;
        stage.daemon_hint();
        let looked = |stage: &Stage| {
            let asked = stage.forge().requests().into_iter().rev();
            let mut asked = asked.take_while(|it| !it.path.ends_with("/user"));
            stage.forge().requests().iter().filter(|it| it.path.ends_with("/user")).count() == 2
                && asked.any(|it| it.path.contains("comments") || it.path.contains("notes"))
        };
        until(|| looked(stage), || "it never looked at the comments".to_owned()).await;
        let main = stage.catalogue.head();
        stage.daemon().settled(&main).await;
        assert_eq!((stage.forge().comment_writes(), stage.forge().writes()), (2, statuses));

        // Merged: its last line says what became of it, and what stood there stays below.
        let merge = Author { stage }.merges(ONE, &head);
        stage.daemon_hint();
        stage.daemon().settled(&merge).await;
        let merged = format!("**Merged as {}.**", merge.short());
        let last = says(stage, ONE, &[&merged, "`four`: `Synced: ", "### `four` · new"]).await;
        assert_eq!((last.id, stage.forge().comment_writes()), (first.id, 3));
        assert!(last.body.lines().nth(1).unwrap().starts_with(&merged), "{}", last.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_that_touches_no_solution_gets_a_status_and_no_comment() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        opened(stage, PullRequests::Comment).await;
        let words = |stage: &Stage| stage.catalogue.write("NOTES.md", "Nothing of vitrine's.\n");
        let head = Author { stage }.pushes(ONE, words);
        is_validated(stage, &head, "success", "nothing changes; 1 solution as before").await;
        // One that is to be merged elsewhere is not ours to judge.
        stage.forge().rebase_pull(2, "next");
        let elsewhere = Author { stage }.pushes(2, |stage| stage.image("one", 'b'));
        // One that was closed before anybody looked, neither.
        stage.forge().end_pull(3, None);
        let closed = Author { stage }.pushes(3, |stage| stage.image("one", 'c'));
        let head = Author { stage }.pushes(4, |stage| stage.catalogue.write("A.md", "# A\n"));
        is_validated(stage, &head, "success", "nothing changes").await;
        assert_eq!(stage.forge().comment_writes(), 0);
        for (number, head) in [(2, elsewhere), (3, closed)] {
            assert_eq!(validated(stage, &head), None, "{number}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_fails_before_the_merge_with_its_line_and_its_mending_is_seen() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        opened(stage, PullRequests::Comment).await;
        stage.forge().is_fork(ONE);
        let slip = |stage: &Stage| {
            stage.catalogue.edit("one/solution.yaml", "spec:", "spec:\n  replica: 3");
        };
        let head = Author { stage }.pushes(ONE, slip);
        let text = "one/solution.yaml:6: unknown field `replica`; mend it and push";
        is_validated(stage, &head, "failure", text).await;
        says(stage, ONE, &["### `one` · refused", "`one/solution.yaml:6:3`"]).await;
        let head = Author { stage }.pushes(ONE, |stage| stage.image("one", 'b'));
        is_validated(stage, &head, "success", "1 changed").await;
        let said = says(stage, ONE, &["### `one` · changed"]).await;
        assert!(!said.body.contains("refused"), "{}", said.body);
        // What runs was touched by none of it.
        assert!(stage.cluster.as_sandbox().is_some());
        let main = stage.catalogue.head();
        assert_eq!(stage.said(&main)["vitrine/test/one"].0, "success");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_became_of_a_merge_is_told_once_by_two_lives() {
    on_each(&[ForgeKind::Gitea], &["one"], async |stage| {
        opened(stage, PullRequests::Comment).await;
        Author { stage }.pushes(ONE, |stage| stage.image("one", 'b'));
        says(stage, ONE, &["### `one` · changed"]).await;
        // Taken back, so that the merge changes nothing: the next life cannot know that.
        let words = |stage: &Stage| stage.catalogue.write("NOTES.md", "Nothing of vitrine's.\n");
        let head = Author { stage }.pushes(ONE, words);
        says(stage, ONE, &["Nothing that is published changes any more."]).await;
        let merge = Author { stage }.merges(ONE, &head);
        let merged = format!("**Merged as {}.** It changed nothing", merge.short());
        let told = says(stage, ONE, &[&merged]).await;

        stage.stop().await;
        let before = stage.forge().requests().len();
        stage.start().await;
        let looked = || {
            let requests = stage.forge().requests();
            requests[before..].iter().any(|it| it.path.contains("comments"))
        };
        until(looked, || "it never looked at the comments".to_owned()).await;
        // One thing is done after the other.
        let head = Author { stage }.pushes(2, |stage| stage.catalogue.write("A.md", "# A\n"));
        is_validated(stage, &head, "success", "nothing changes").await;
        assert_eq!(ours(stage, ONE), [told]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_gitlab_a_head_is_told_beside_its_own_pipelines_and_never_as_the_branch() {
    on_each(&[ForgeKind::GitLab], &["one"], async |stage| {
        opened(stage, PullRequests::Validate).await;
        let at = |stage: &Stage, head: &Revision, context: &str| {
            let row = stage.forge().latest(head.as_str()).remove(context)?;
            Some((row.reference.unwrap(), row.pipeline.unwrap()))
        };
        let image = |digit| move |stage: &Stage| stage.image("one", digit);

        // Of a fork: its branch is none of the project.
        stage.forge().is_fork(ONE);
        let fork = Author { stage }.pushes(ONE, image('b'));
        is_validated(stage, &fork, "success", "1 changed").await;
        let (reference, pipeline) = at(stage, &fork, "vitrine/test/validate").unwrap();
        assert_eq!(reference, "refs/merge-requests/1/head");
        assert_eq!(stage.forge().pipelines(fork.as_str()), [(pipeline, reference, "external")]);

        // Of a branch of the project, where GitLab runs pipelines for requests.
        let head = Author { stage }.pushes(2, image('c'));
        let running = stage.forge().has_pipeline(head.as_str(), "refs/merge-requests/2/head");
        is_validated(stage, &head, "success", "1 changed").await;
        assert_eq!(at(stage, &head, "vitrine/test/validate").unwrap().1, running);
        // And where it runs none.
        let head = Author { stage }.pushes(3, image('d'));
        is_validated(stage, &head, "success", "1 changed").await;
        assert_eq!(at(stage, &head, "vitrine/test/validate").unwrap().0, "change");

        // Another life finds all of them where they are.
        let writes = stage.forge().writes();
        stage.stop().await;
        stage.start().await;
        let head = Author { stage }.pushes(4, image('e'));
        is_validated(stage, &head, "success", "1 changed").await;
        assert_eq!(stage.forge().writes(), writes + 1);

        // A head that is the branch's, too: what became of it is told there.
        stage.catalogue.git(&["checkout", "-q", "--detach", head.as_str()]);
        stage.forge().add_commit(head.as_str());
        stage.push();
        stage.daemon_hint();
        let told = || at(stage, &head, "vitrine/test/one").is_some();
        until(told, || format!("nothing of the merge: {:?}", stage.said(&head))).await;
        assert_eq!(at(stage, &head, "vitrine/test/one").unwrap().0, "main");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_150_others_there_is_one_comment_of_ours_and_nobody_elses_is_touched() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        opened(stage, PullRequests::Comment).await;
        stage.forge().pull(ONE, &"0".repeat(40));
        let forged = format!("{MARK}0123456789abcdef -->\nI am not vitrine");
        let copied = stage.forge().says(ONE, "mallory", &forged);
        for number in 0..150 {
            stage.forge().says(ONE, "somebody", &format!("Words {number}"));
        }
        // Two of ours, as after a crash between two lives.
        let older = stage.forge().says(ONE, FakeForge::LOGIN, &format!("{MARK}1 -->\nold"));
        stage.forge().says(ONE, FakeForge::LOGIN, &format!("{MARK}2 -->\nnewer"));
        // And one that another instance wrote with the same account.
        let other = MARK.replace("test", "other");
        let others = stage.forge().says(ONE, FakeForge::LOGIN, &format!("{other}3 -->\ntheirs"));
        Author { stage }.pushes(ONE, |stage| stage.image("one", 'b'));
        let said = says(stage, ONE, &["### `one` · changed"]).await;
        assert_eq!(said.id, older);
        let all = stage.forge().comments(ONE);
        assert_eq!(all.len(), 153);
        for (id, body) in [(copied, &forged), (others, &format!("{other}3 -->\ntheirs"))] {
            assert!(all.iter().any(|one| one.id == id && one.body == *body));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_that_vanishes_while_it_is_looked_at_is_not_taken_for_written() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        opened(stage, PullRequests::Comment).await;
        let push = |stage: &Stage, digit| Author { stage }.pushes(ONE, |s| s.image("one", digit));
        push(stage, 'b');
        says(stage, ONE, &["sha256:bbbbbbbbbbbb"]).await;
        // Another life has to look for it, and finds it just before it goes.
        stage.stop().await;
        push(stage, 'c');
        stage.forge().deletes_before_the_next_edit();
        stage.start().await;
        let gone = |stage: &Stage| ours(stage, ONE).is_empty();
        until(|| gone(stage), || "nothing was to be edited".to_owned()).await;
        // Whoever took it away has quiet, until the next push.
        let main = stage.catalogue.head();
        stage.daemon().settled(&main).await;
        assert!(gone(stage));
        push(stage, 'd');
        says(stage, ONE, &["sha256:dddddddddddd"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_that_somebody_deleted_comes_back_with_the_next_push() {
    on_each(&[ForgeKind::GitHub, ForgeKind::Gitea], &["one"], async |stage| {
        opened(stage, PullRequests::Comment).await;
        let head = Author { stage }.pushes(ONE, |stage| stage.image("one", 'b'));
        is_validated(stage, &head, "success", "1 changed").await;
        let first = says(stage, ONE, &["### `one` · changed"]).await;
        stage.forge().delete_comment(first.id);
        // The base moves, so that there is something else to say of the same head.
        stage.catalogue.write("two/solution.yaml", &minimal("two"));
        let main = stage.publish("Meanwhile");
        stage.daemon_hint();
        stage.daemon().settled(&main).await;
        let deleted = |stage: &Stage| {
            let all = stage.forge().requests().into_iter();
            all.filter(|it| it.method == "PATCH" && it.code == Some(404)).count() == 1
        };
        until(|| deleted(stage), || "nothing was to be edited".to_owned()).await;
        assert_eq!(stage.forge().comments(ONE), []);
        Author { stage }.pushes(ONE, |stage| stage.image("one", 'c'));
        says(stage, ONE, &["### `one` · changed"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_whose_answer_was_lost_is_found_and_not_written_again() {
    on_each(&[ForgeKind::GitHub, ForgeKind::GitLab], &["one"], async |stage| {
        opened(stage, PullRequests::Comment).await;
        // It dies between the post and the answer.
        stage.forge().forbid_comments(true);
        let head = Author { stage }.pushes(ONE, |stage| stage.image("one", 'b'));
        is_validated(stage, &head, "success", "1 changed").await;
        let refused = |board: &Board| {
            board.problems.iter().any(|problem| problem.starts_with("pull requests cannot be told"))
        };
        stage.daemon().board("told that it may not comment", refused).await;
        assert_eq!(stage.forge().comments(ONE), []);
        stage.forge().forbid_comments(false);
        stage.kill();
        stage.start().await;
        says(stage, ONE, &["### `one` · changed"]).await;
        stage.kill();
        stage.start().await;
        let main = stage.catalogue.head();
        stage.daemon().settled(&main).await;
        says(stage, ONE, &["### `one` · changed"]).await;
        assert_eq!(stage.forge().comments(ONE).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_words_of_a_fork_stand_in_the_comment_as_words() {
    on_each(&[ForgeKind::Forgejo], &["one"], async |stage| {
        opened(stage, PullRequests::Comment).await;
        stage.forge().is_fork(ONE);
        Author { stage }.pushes(ONE, |stage| {
            let text = minimal("one").replace(&image('a'), &image('b'))
                + "  env: {A: \"</details> @everyone `x` [y](https://evil.example) <!-- -->\"}\n";
            stage.catalogue.write("one/solution.yaml", &text);
        });
        let said = says(stage, ONE, &["`env.A`"]).await;
        let line = said.body.lines().find(|line| line.contains("`env.A`")).unwrap();
        let words = "``\"</details> @everyone `x` [y](https://evil.example) <!-- -->\"``";
        assert!(line.contains(words), "{line}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_validate_alone_nobody_comments_and_off_asks_for_nothing() {
    on_each(&[ForgeKind::Gitea], &["one"], async |stage| {
        opened(stage, PullRequests::Validate).await;
        let head = Author { stage }.pushes(ONE, |stage| stage.image("one", 'b'));
        is_validated(stage, &head, "success", "1 changed").await;
        assert_eq!(stage.forge().comment_writes(), 0);
        stage.stop().await;
        let asked = |stage: &Stage| {
            let all = stage.forge().requests().into_iter();
            all.filter(|it| it.path.contains("/pulls")).count()
        };
        let before = asked(stage);
        opened(stage, PullRequests::Off).await;
        stage.daemon_hint();
        let main = stage.update("one", 'd').await;
        let told = || stage.said(&main).contains_key("vitrine/test/one");
        until(told, || "the new commit was not told".to_owned()).await;
        assert_eq!(asked(stage), before);
    })
    .await;
}
