//! What is answered to each question of a reviewer.

use super::*;

#[test]
fn equal_catalogues_differ_in_nothing() {
    let one = catalog("a", "", &[("use", ""), ("two", "")]);
    let other = catalog("b", "", &[("use", ""), ("two", "")]);
    let review = compare(&one, &other);
    assert!(review.is_empty() && review.untouched == 2, "{review:#?}");
    assert_eq!(review.summary(), "nothing changes; 2 solutions as before");
    assert!(text(&review, now(), false).ends_with("nothing changes; 2 solutions as before\n"));
}

#[test]
fn who_reaches_it_and_what_it_reaches_is_read_from_its_objects() {
    let egress = "  network: {egress: [{cidr: 0.0.0.0/0, port: 443}]}\n";
    let one = touched("", Some(""), Some(egress));
    let at = Some("everyone, at https://use.demo.example");
    assert_eq!(fact(&one, "reachable by"), Some((at, at)));
    let internet = Some("the public internet (IPv4), port 443");
    assert_eq!(fact(&one, "may reach"), Some((Some("nothing outside"), internet)));
    assert!(said(&one.asks).contains("connections to the public internet (IPv4), port 443"));
    assert!(said(&one.risks).iter().any(|risk| risk.contains("any address on the internet")));
    // Back again nobody has to be asked.
    let back = touched("", Some(egress), Some(""));
    assert_eq!(said(&back.asks), BTreeSet::new());
}

#[test]
fn components_are_named_where_they_differ_and_not_where_they_are_alike() {
    let image = |digit: &str| format!("registry.example/x:1@sha256:{}", digit.repeat(64));
    let body = |web: &str, api: &str| {
        format!(
            "  components:\n    web: {{image: {}, expose: {{path: /}}, dependsOn: [api]}}\n    \
             api: {{image: {}, env: {{A: \"{api}\"}}}}\n",
            image("a"),
            image(web)
        )
    };
    let one = touched("", Some(&body("b", "1")), Some(&body("c", "2")));
    let image = |digit: &str| format!("registry.example/x:1 sha256:{}", digit.repeat(12));
    let (b, c) = (image("b"), image("c"));
    assert_eq!(fact(&one, "api: image"), Some((Some(&*b), Some(&*c))));
    assert_eq!(fact(&one, "web: image"), None, "it is as it was");
    assert_eq!(fact(&one, "api: env.A"), Some((Some("\"1\""), Some("\"2\""))));
    assert_eq!(fact(&one, "inside"), Some((Some("web calls api"), Some("web calls api"))));
    let copies = Some("0 to 1, asleep after 30m without a visit");
    assert_eq!(fact(&one, "copies"), Some((copies, copies)), "said once of both");
    let told = said(&one.risks);
    assert!(told.contains("api: the image is another one under the same tag 1"), "{told:#?}");
    assert!(told.iter().any(|risk| risk.starts_with("the pods of api are started anew")));
}

#[test]
fn what_takes_the_old_pods_down_first_is_said() {
    let platform = "  hardware:\n  - {name: big, requests: {nvidia.com/gpu: \"1\"}}\n";
    let (old, new) = ("  hardware: big\n", "  hardware: big\n  env: {A: \"1\"}\n");
    let told = said(&touched(platform, Some(old), Some(new)).risks);
    let down =
        "its pods are started anew; those of now stop first: nobody answers until the new ones do";
    let rolled =
        "its pods are started anew; if the new ones do not come up, those of now go on serving";
    assert!(told.contains(down) && !told.contains(rolled), "{told:#?}");
    let told = said(&touched("", Some(""), Some("  env: {A: \"1\"}\n")).risks);
    assert!(told.contains(rolled) && !told.contains(down), "{told:#?}");
    let asleep = "  suspend: {reason: moving, until: 2027-01-05}\n";
    let told = touched("", Some(asleep), Some(&format!("{asleep}  env: {{A: \"1\"}}\n")));
    assert_eq!(said(&told.risks), BTreeSet::new(), "nothing runs that could be started anew");
}

#[test]
fn a_price_is_told_where_there_is_one_and_no_word_of_cost_where_there_is_none() {
    let priced = "  currency: EUR\n  hardware:\n  - {name: cpu-basic, price: {perHour: \"0.10\"}, \
                  requests: {memory: 1Gi}, caps: {memory: 8Gi}}\n";
    let one = touched(priced, Some(""), Some("  scaling: {maxReplicas: 3}\n"));
    let most = (Some("73.00 EUR a month"), Some("219.00 EUR a month"));
    assert_eq!(fact(&one, "costs at most"), Some(most));
    // 20 visits of half an hour are ten hours a day.
    let expected = Some(
        "30.42 EUR a month at 20 visits a day of 30m each: awake for 10.0 h a day, asleep for 14.0 h",
    );
    assert_eq!(fact(&one, "expected"), Some((expected, expected)));
    // Who asks for twice the memory pays twice, and who asks for less pays for all the same.
    let bill = |body: &str| touched(priced, None, Some(body)).bills.1.unwrap().most;
    let memory = |text: &str| format!("  resources: {{requests: {{memory: {text}}}}}\n");
    assert!((bill(&memory("2Gi")) - 146.0).abs() < 0.001);
    assert!((bill(&memory("512Mi")) - 73.0).abs() < 0.001);
    // Always on is what it costs, whoever comes.
    let always = touched(priced, None, Some("  scaling: {minReplicas: 1}\n")).bills.1.unwrap();
    assert!((always.expected - 73.0).abs() < 0.001, "{always:?}");
    assert!((always.awake - 24.0).abs() < 0.001);

    let plain = touched("", Some(""), Some("  scaling: {maxReplicas: 3}\n"));
    assert_eq!((fact(&plain, "costs at most"), plain.bills.clone()), (None, (None, None)));
    let (before, then) = fact(&plain, "takes at most").unwrap();
    assert!(before.unwrap().starts_with("1 copy: ") && then.unwrap().starts_with("3 copies: "));
    for page in [markdown(&one_of(&plain)), text(&one_of(&plain), now(), true)] {
        assert!(!page.contains("cost"), "{page}");
        assert!(!page.contains("EUR"), "{page}");
    }
}

/// A review of this one alone.
fn one_of(one: &Touched) -> Review {
    let same = catalog("a", "", &[]);
    Review { touched: vec![one.clone()], ..compare(&same, &same) }
}

#[test]
fn a_longer_cooldown_and_a_class_without_a_price_are_in_the_bill() {
    let priced = "  currency: EUR\n  assumptions: {visitsPerDay: 4, awakePerVisit: 1h}\n  \
                  hardware:\n  - {name: cpu-basic, price: {perHour: \"0.10\"}}\n  - {name: dark}\n";
    let bill = touched(priced, None, Some("  scaling: {cooldownPeriod: 2h}\n")).bills.1.unwrap();
    assert!((bill.awake - 8.0).abs() < 0.001, "{bill:?}");
    assert_eq!(touched(priced, None, Some("  hardware: dark\n")).bills.1, None);
    let parts = "  components:\n    a: {image: \"x.example/a@sha256:X\", expose: {path: /}}\n    \
                 b: {image: \"x.example/b@sha256:X\", hardware: dark}\n";
    let bill = touched(priced, None, Some(&parts.replace('X', &"a".repeat(64)))).bills.1.unwrap();
    assert_eq!(bill.unpriced, BTreeSet::from(["dark".to_owned()]));
    assert!(bill.at_most().ends_with("without dark, which has no price"), "{bill:?}");
}

#[test]
fn more_than_a_solution_gets_unless_asked_for_is_for_an_operator_and_less_is_not() {
    let platform = "  hardware:\n  - {name: cpu-basic, requests: {memory: 1Gi}, limits: {memory: \
                    1Gi}, caps: {memory: 8Gi}}\n  - {name: gpu, requests: {nvidia.com/gpu: \"1\"}}\n  \
                    - {name: own, isolation: exclusive}\n";
    let raises = [
        ("  hardware: gpu\n", "a machine of class gpu with nvidia.com/gpu 1"),
        ("  hardware: own\n", "a machine of class own for itself alone"),
        (
            "  resources: {limits: {memory: 2Gi}}\n",
            "memory 2Gi a copy; the class cpu-basic gives 1Gi",
        ),
        ("  scaling: {minReplicas: 1}\n", "1 copy kept awake at all times"),
        ("  scaling: {maxReplicas: 3}\n", "up to 3 copies; 1 unless asked for"),
        ("  scaling: {cooldownPeriod: 2h}\n", "awake for 2h after a visit; 30m unless asked for"),
        ("  http: {requestTimeout: 5m}\n", "answers that take up to 5m; 1m unless asked for"),
        ("  http: {maxRequestBodySize: 50Mi}\n", "requests of up to 50Mi; 10Mi unless asked for"),
        (
            "  http: {rateLimit: {requestsPerSecond: 50}}\n",
            "50 requests a second for one client; 10 unless asked for",
        ),
        (
            "  network: {egress: [{cidr: 192.0.2.0/24, port: 80}]}\n",
            "connections to 192.0.2.0/24, port 80",
        ),
        (
            "  secrets: [KEY]\n",
            "the Secret app-secrets in the namespace sol-use with KEY, before it can start",
        ),
        (
            "  scaling: {schedules: [{timezone: Europe/Berlin, start: \"0 8 * * 1-5\", end: \"0 18 \
             * * 1-5\", desiredReplicas: 1}]}\n",
            "kept awake from 0 8 * * 1-5 to 0 18 * * 1-5 (Europe/Berlin)",
        ),
    ];
    for (raise, ask) in raises {
        for old in [None, Some("")] {
            let asks = said(&touched(platform, old, Some(raise)).asks);
            assert!(asks.contains(ask), "{raise}: {asks:#?}");
        }
        let back = touched(platform, Some(raise), Some(""));
        assert_eq!(said(&back.asks), BTreeSet::new(), "{raise} taken back");
        let other = touched(platform, Some(raise), Some(&format!("{raise}  env: {{A: \"1\"}}\n")));
        assert_eq!(said(&other.asks), BTreeSet::new(), "{raise} is as it was");
    }
    let plain = touched(platform, None, Some(""));
    assert_eq!(said(&plain.asks), BTreeSet::new(), "a solution that asks for nothing");
}

#[test]
fn a_removal_says_what_vanishes_and_who_counts_on_it() {
    let platform = "  gallery: {featured: [use]}\n";
    let old =
        [("use", "  secrets: [KEY]\n"), ("other", "  env: {U: \"https://use.demo.example/x\"}\n")];
    let review = compare(&catalog("a", platform, &old), &catalog("b", platform, &old[1..]));
    let one = &review.touched[0];
    assert_eq!(
        (one.what, one.urls.as_slice()),
        (What::Disappears, &["https://use.demo.example".to_owned()][..])
    );
    let told = said(&one.risks);
    for part in [
        "https://use.demo.example leads nowhere any more",
        "the Secret app-secrets (with KEY) goes with its namespace",
        "what it wrote into its pods is gone",
        "other still names an address of it",
        "platform.yaml still features it",
    ] {
        assert!(told.iter().any(|risk| risk.starts_with(part)), "{part}: {told:#?}");
    }
    assert!(one.objects.iter().all(|object| object.verb == Verb::Delete));
    assert_eq!(review.held, None, "one may always go");
}

#[test]
fn the_brake_is_foretold_as_it_will_decide() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let of = |names: &[&str]| {
        let solutions: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
        catalog("a", "", &solutions)
    };
    let held = |kept: usize| compare(&of(&names), &of(&names[..kept])).held;
    assert_eq!(held(8), None);
    assert_eq!(held(7).as_deref(), Some("would remove 3 of 10 solutions"));
    assert_eq!(held(0).as_deref(), Some("would remove 10 of 10 solutions"));
    // Who stays and loses an address counts as well.
    let configured = |name: &'static str| {
        let body = format!("  configurations: {{{name}: {{}}}}\n");
        let solutions: Vec<(&str, &str)> = names.iter().map(|one| (*one, body.as_str())).collect();
        catalog("a", "", &solutions)
    };
    let moved = compare(&configured("old"), &configured("new")).held;
    assert_eq!(moved.as_deref(), Some("would move the addresses of 10 of 10 solutions"));
    let page = text(&compare(&of(&names), &of(&[])), now(), false);
    assert!(
        page.contains("The brake will hold this: it would remove 10 of 10 solutions."),
        "{page}"
    );
}

#[test]
fn who_names_an_address_that_only_ends_or_begins_alike_does_not_count_on_it() {
    for (text, counts) in [
        ("https://use.demo.example", true),
        ("see use.demo.example.", true),
        ("wss://use.demo.example:443/x", true),
        ("https://my-use.demo.example", false),
        ("https://reuse.demo.example", false),
        ("https://a.use.demo.example", false),
        ("https://use.demo.example.org", false),
        ("https://my-use.demo.example https://use.demo.example/x", true),
    ] {
        let other = format!("  env: {{U: \"{text}\"}}\n");
        let old = [("use", ""), ("other", other.as_str())];
        let review = compare(&catalog("a", "", &old), &catalog("b", "", &old[1..]));
        let told = said(&review.touched[0].risks);
        assert_eq!(told.iter().any(|risk| risk.starts_with("other ")), counts, "{text}: {told:#?}");
    }
}

#[test]
fn an_address_that_moves_is_told_as_lost() {
    let of = |name: &str| format!("  configurations: {{{name}: {{}}}}\n");
    let one = touched("", Some(&of("old")), Some(&of("new")));
    let told = said(&one.risks);
    let lost = "https://use--old.demo.example leads nowhere any more; whoever kept the link meets an error";
    assert!(told.contains(lost), "{told:#?}");
    assert!(told.contains("old is deleted, with all that belongs to it"), "{told:#?}");
}

#[test]
fn what_was_refused_is_not_guessed() {
    let fine = [("use", ""), ("two", "")];
    let broken = [("use", "  replica: 3\n"), ("two", "")];
    let (fine, broken) = (catalog("a", "", &fine), catalog("b", "", &broken));
    let refused = compare(&fine, &broken);
    assert_eq!(refused.touched.iter().map(|one| one.what).collect::<Vec<_>>(), [What::Refused]);
    assert!(refused.refuses() && refused.touched[0].objects.is_empty());
    let at = Some("everyone, at https://use.demo.example");
    assert_eq!(fact(&refused.touched[0], "reachable by"), Some((at, at)), "what runs goes on");
    assert_eq!(refused.touched[0].faults.len(), 1);
    // Who changes something else is not told of it.
    assert!(compare(&broken, &broken).is_empty());
    let mended = &compare(&broken, &fine).touched[0];
    assert_eq!(mended.what, What::WasFrozen);
    assert!(mended.objects.iter().all(|object| object.verb == Verb::Apply));
    let gone = catalog("c", "", &[("two", "")]);
    assert_eq!(compare(&broken, &gone).touched[0].what, What::FrozenThenGone);
    // Of what was never published, nothing runs.
    let new = &compare(&gone, &broken).touched[0];
    let nothing = "nothing of it is published until it is mended".to_owned();
    assert_eq!((new.what, said(&new.risks)), (What::Refused, BTreeSet::from([nothing])));
}

#[test]
fn a_refused_platform_stops_all_telling() {
    let fine = catalog("a", "", &[("use", "")]);
    let broken = catalog("b", "  domian: x\n", &[]);
    let review = compare(&fine, &broken);
    assert!(review.is_frozen() && review.touched.is_empty(), "{review:#?}");
    assert!(markdown(&review).contains("`platform.yaml` · refused"));
    // A folder that was refused before is no part of that either.
    let slip = [("use", "  replica: 3\n")];
    let review = compare(&catalog("a", "", &slip), &catalog("b", "  domian: x\n", &slip));
    assert!(review.is_frozen() && review.touched.is_empty(), "{review:#?}");
    let mended = compare(&broken, &fine);
    assert_eq!(mended.platform, Operator::Mended);
    assert_eq!(mended.touched[0].what, What::WasFrozen);
    assert!(mended.others_may_go.is_some());
}

#[test]
fn whom_to_ask_is_said_by_the_platform_in_force() {
    let base = catalog("a", "  operators: \"@aim/ops\"\n", &[("use", "")]);
    let head = catalog("b", "  operators: \"@evil/ops\"\n", &[("use", "  secrets: [KEY]\n")]);
    let review = compare(&base, &head);
    assert_eq!(review.operators.as_deref(), Some("@aim/ops"));
    assert!(text(&review, now(), false).contains("ask @aim/ops (operators) about"));
}

#[test]
fn a_change_of_the_platform_is_told_once_for_those_that_it_changes_alike() {
    let solutions = [("a", ""), ("b", ""), ("c", "")];
    let base = catalog("a", "", &solutions);
    let limit = "  podSecurity: {level: baseline}\n";
    let mut changed = solutions;
    changed[2] = ("c", "  env: {A: \"1\"}\n");
    let review = compare(&base, &catalog("b", limit, &changed));
    let Operator::Changed(facts) = &review.platform else { panic!("{:?}", review.platform) };
    let told: Vec<String> = facts.iter().map(Fact::label).collect();
    assert_eq!(told, ["podSecurity.level"]);
    assert_eq!(
        review.touched.iter().map(|one| one.by_platform).collect::<Vec<_>>(),
        [true, true, false]
    );
    let page = text(&review, now(), false);
    assert!(page.contains("a  changed  by platform.yaml") && page.contains("alike  b\n"), "{page}");
    assert!(!page.contains("\nb  changed"), "{page}");
}

#[test]
fn what_the_platform_changes_otherwise_stands_for_itself() {
    let classes = |small: &str, large: &str| {
        format!(
            "  hardware:\n  - {{name: cpu-basic, requests: {{memory: {small}}}}}\n  - {{name: big, \
             requests: {{memory: {large}}}}}\n"
        )
    };
    let solutions = [("one", ""), ("three", "  hardware: big\n"), ("two", "")];
    let base = catalog("a", &classes("1Gi", "4Gi"), &solutions);
    let review = compare(&base, &catalog("b", &classes("2Gi", "8Gi"), &solutions));
    let page = text(&review, now(), false);
    assert!(page.contains("\nthree  changed  by platform.yaml"), "{page}");
    assert!(page.contains("  alike  two\n") && page.contains("memory 8Gi"), "{page}");
}

#[test]
fn new_ones_are_alike_only_where_their_own_names_alone_differ() {
    let env = |text: &str| format!("  env: {{A: {text}}}\n");
    let alike = |bodies: [&str; 2]| {
        let new = [("ab", bodies[0]), ("ob", bodies[1])];
        let review = compare(&catalog("a", "", &[]), &catalog("b", "", &new));
        text(&review, now(), false).contains("  alike  ob\n")
    };
    assert!(alike([&env("in-ab"), &env("in-ob")]));
    assert!(!alike([&env("cabs"), &env("cobs")]), "another word");
}

#[test]
fn a_platform_without_sleep_asks_about_copies_too() {
    let platform = "  activation: {mode: none}\n  limits: {minReplicas: 5, maxReplicas: 5}\n";
    let asks = |body: &str| said(&touched(platform, None, Some(body)).asks);
    let told = asks("  scaling: {minReplicas: 3, maxReplicas: 3}\n");
    assert!(told.contains("3 copies kept awake at all times"), "{told:#?}");
    assert_eq!(asks("  scaling: {minReplicas: 1}\n"), BTreeSet::new(), "each has one");
}

#[test]
fn two_currencies_have_no_sum() {
    let priced = |currency: &str, price: &str| {
        let class = format!("{{name: cpu-basic, price: {{perHour: \"{price}\"}}}}");
        format!("  currency: {currency}\n  hardware:\n  - {class}\n")
    };
    let of = |digit, platform: &str| catalog(digit, platform, &[("use", "")]);
    let costs = |old: &str, new: &str| compare(&of("a", old), &of("b", new)).costs();
    assert!(costs(&priced("EUR", "0.10"), &priced("EUR", "0.20")).is_some());
    assert_eq!(costs(&priced("EUR", "0.10"), &priced("CHF", "0.20")), None);
}

#[test]
fn files_that_nothing_depends_on_are_said_to_change_nothing() {
    let one = touched("", Some(""), Some("  # a word to ourselves\n"));
    assert_eq!(one.what, What::Words);
    assert!(one.objects.is_empty() && one.risks.is_empty());
}

#[test]
fn a_review_for_a_program_has_every_answer() {
    let one = touched("", Some(""), Some("  secrets: [KEY]\n"));
    let value = json(&one_of(&one));
    let told = &value["solutions"][0];
    assert_eq!((&told["name"], &told["what"]), (&"use".into(), &"changes".into()));
    assert_eq!(told["facts"][0]["topic"], "reach");
    assert_eq!(told["asks"].as_array().map(Vec::len), Some(1));
    assert_eq!(told["objects"][0]["verb"], "update");
    assert!(told["objects"][0]["fields"][0]["path"].is_string());
    // A fault is told as every command tells it, with what would put it right.
    let slip = catalog("b", "", &[("use", "  prot: 8081\n")]);
    let value = json(&compare(&catalog("a", "", &[("use", "")]), &slip));
    let fault = &value["solutions"][0]["faults"][0];
    assert_eq!(fault["fix"]["edits"][0]["text"], "port", "{fault:#}");
    assert_eq!((&fault["party"], &fault["end_line"]), (&"author".into(), &fault["line"]));
}

#[test]
fn what_forty_new_ones_cost_is_added_up_and_they_are_told_as_one() {
    let priced =
        "  currency: EUR\n  hardware:\n  - {name: cpu-basic, price: {perHour: \"0.10\"}}\n";
    let names: Vec<String> = (0..40).map(|n| format!("demo{n:02}")).collect();
    let mut solutions: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    solutions[7].1 = "  env: {ODD: \"1\"}\n";
    let review = compare(&catalog("a", priced, &[]), &catalog("b", priced, &solutions));
    let costs = "All together it costs at most 2920.00 EUR a month more.";
    assert_eq!(review.costs().as_deref(), Some(costs));
    let page = markdown(&review);
    assert_eq!(page.matches("### `demo").count(), 2, "the odd one stands for itself: {page}");
    assert!(page.contains(costs) && page.contains("### `demo07` · new"), "{page}");
    let back = compare(&catalog("b", priced, &solutions), &catalog("a", priced, &[]));
    assert!(back.costs().unwrap().ends_with("2920.00 EUR a month less."));
    let same = compare(&catalog("a", priced, &solutions), &catalog("b", priced, &solutions));
    assert_eq!(same.costs(), None);
}

#[test]
fn what_does_not_fit_on_a_page_is_named_there() {
    let names: Vec<String> = (0..900).map(|n| format!("demonstrator-{n:03}")).collect();
    let solutions: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let review = compare(&catalog("a", "", &solutions), &catalog("b", "", &[]));
    let page = markdown(&review);
    assert!(page.chars().count() <= LONGEST && !page.contains("demonstrator-899"));
    assert!(page.contains("`vitrine diff aaaaaaa..bbbbbbb` tells all of it"), "{}", &page[..500]);
}

#[test]
fn a_configuration_more_asks_for_no_key_that_the_secret_of_all_has() {
    let body = |keys: &str, second: &str| {
        format!("  secrets: [{keys}]\n  configurations:\n    first: {{}}\n{second}")
    };
    let two = "    second: {}\n";
    let wants = |new: &str| {
        let touched = touched("", Some(&body("KEY", "")), Some(new));
        let asks = said(&touched.asks).into_iter();
        asks.filter(|ask| ask.starts_with("the Secret")).collect::<Vec<_>>()
    };
    assert_eq!(wants(&body("KEY", two)), [""; 0]);
    assert_eq!(
        wants(&body("KEY, OTHER", two)),
        ["the Secret app-secrets in the namespace sol-use with OTHER, before it can start"]
    );
}
