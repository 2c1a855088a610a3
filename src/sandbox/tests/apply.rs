//! Server-side apply, field ownership and validation.

use super::*;

#[tokio::test]
async fn an_apply_creates_then_repeats_without_a_new_version() {
    let s = sandbox();
    let uri = format!("{MAPS}/a?fieldManager=m");
    let (code, first) = apply(&s, &uri, &map("a", json!({"a": "1"}))).await;
    assert_eq!(code, 201);
    assert_eq!(fields(&first, "m").unwrap(), json!({"f:data": {"f:a": {}}}));
    let (code, second) = apply(&s, &uri, &map("a", json!({"a": "1"}))).await;
    assert_eq!(code, 200);
    assert_eq!(first, second);
}

#[tokio::test]
async fn an_apply_without_a_manager_is_refused() {
    let s = sandbox();
    let (code, status) = apply(&s, &format!("{MAPS}/a"), &map("a", json!({}))).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
    assert_eq!(status["details"]["causes"][0]["field"], "fieldManager");
}

#[tokio::test]
async fn a_field_of_another_manager_is_a_conflict_until_forced() {
    let s = sandbox();
    apply(&s, &format!("{MAPS}/a?fieldManager=m"), &map("a", json!({"a": "1"}))).await;
    let other = map("a", json!({"a": "2", "b": "1"}));
    let (code, status) = apply(&s, &format!("{MAPS}/a?fieldManager=n"), &other).await;
    assert_eq!(code, 409);
    assert_eq!(status["message"], "Apply failed with 1 conflict: conflict with \"m\": .data.a");
    assert_eq!(
        status["details"]["causes"],
        json!([{"reason": "FieldManagerConflict", "message": "conflict with \"m\"", "field": ".data.a"}])
    );
    let (code, live) = apply(&s, &format!("{MAPS}/a?fieldManager=n&force=true"), &other).await;
    assert_eq!((code, &live["data"]["a"]), (200, &json!("2")));
    assert_eq!(fields(&live, "m"), None);
    assert_eq!(fields(&live, "n").unwrap(), json!({"f:data": {"f:a": {}, "f:b": {}}}));
}

#[tokio::test]
async fn several_conflicts_are_listed_by_manager() {
    let s = sandbox();
    post(&s, &format!("{DEPLOYMENTS}?fieldManager=vitrine-birth"), &deployment(Some(0))).await;
    let mut ours = deployment(None);
    ours["spec"]["template"]["spec"]["containers"][0]["image"] = json!("k");
    apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=vitrine&force=true"), &ours).await;
    ours["metadata"]["labels"]["a"] = json!("c");
    ours["spec"]["template"]["spec"]["containers"][0]["image"] = json!("l");
    let (_, status) = apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=n"), &ours).await;
    assert_eq!(
        status["message"],
        "Apply failed with 3 conflicts: conflicts with \"vitrine\":\n- .metadata.labels.a\n- .spec.template.spec.containers[name=\"c\"].image\nconflicts with \"vitrine-birth\" using apps/v1:\n- .metadata.labels.a"
    );
}

#[tokio::test]
async fn equal_values_are_owned_together_and_stay_until_the_last_owner_drops_them() {
    let s = sandbox();
    let both = map("a", json!({"a": "1", "b": "2"}));
    apply(&s, &format!("{MAPS}/a?fieldManager=m"), &both).await;
    assert_eq!(apply(&s, &format!("{MAPS}/a?fieldManager=n"), &both).await.0, 200);
    let less = map("a", json!({"a": "1"}));
    let (_, live) = apply(&s, &format!("{MAPS}/a?fieldManager=m"), &less).await;
    assert_eq!(live["data"], json!({"a": "1", "b": "2"}));
    let (_, live) = apply(&s, &format!("{MAPS}/a?fieldManager=n"), &less).await;
    assert_eq!(live["data"], json!({"a": "1"}));
}

#[tokio::test]
async fn a_dropped_field_goes_and_its_default_comes_back() {
    let s = sandbox();
    let uri = format!("{DEPLOYMENTS}/d?fieldManager=m");
    let (_, live) = apply(&s, &uri, &deployment(Some(4))).await;
    assert_eq!(live["spec"]["replicas"], 4);
    let (_, live) = apply(&s, &uri, &deployment(None)).await;
    assert_eq!(live["spec"]["replicas"], 1);
}

#[tokio::test]
async fn a_dropped_list_item_goes_with_its_defaults() {
    let s = sandbox();
    let uri = format!("{DEPLOYMENTS}/d?fieldManager=m");
    let mut two = deployment(None);
    let containers = two["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({"name": "side", "image": "x", "ports": [{"containerPort": 1}]}));
    apply(&s, &uri, &two).await;
    let (_, live) = apply(&s, &uri, &deployment(None)).await;
    let containers = live["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    assert_eq!(containers[0]["imagePullPolicy"], "Always");
}

#[tokio::test]
async fn what_another_adds_to_a_list_stays() {
    let s = sandbox();
    let uri = format!("{DEPLOYMENTS}/d?fieldManager=m");
    apply(&s, &uri, &deployment(None)).await;
    let side = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {"template": {"spec": {"containers": [{"name": "mesh", "image": "x"}]}}}});
    apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=mesh"), &side).await;
    let mut ours = deployment(None);
    ours["spec"]["template"]["spec"]["containers"][0]["image"] = json!("j");
    let (_, live) = apply(&s, &uri, &ours).await;
    let containers = live["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    let named: Vec<_> =
        containers.iter().map(|c| (c["name"].as_str(), c["image"].as_str())).collect();
    assert_eq!(named, [(Some("c"), Some("j")), (Some("mesh"), Some("x"))]);
}

#[tokio::test]
async fn a_dropped_list_item_goes_even_if_another_owns_a_field_in_it() {
    let s = sandbox();
    let uri = "/api/v1/namespaces/p/services/s";
    let service = |ports: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": ports}});
    let both = service(json!([{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]));
    apply(&s, &format!("{uri}?fieldManager=m"), &both).await;
    let patch = json!({"spec": {"ports": [{"port": 80, "targetPort": 8080}]}});
    let kind = "application/strategic-merge-patch+json";
    let (_, live) = send(&s, Method::PATCH, &format!("{uri}?fieldManager=o"), kind, &patch).await;
    assert_eq!(live["spec"]["ports"].as_array().unwrap().len(), 2);
    let one = service(json!([{"port": 81, "name": "b"}]));
    let (code, live) = apply(&s, &format!("{uri}?fieldManager=m"), &one).await;
    assert_eq!(code, 200);
    assert_eq!(live["spec"]["ports"].as_array().unwrap().len(), 1);
    assert_eq!(fields(&live, "o"), None);
}

#[tokio::test]
async fn the_recorded_set_is_what_the_model_computes() {
    let s = sandbox();
    let (_, live) = apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=m"), &deployment(None)).await;
    let ours = vitrine_core::model::FieldSet::owned(
        vitrine_core::model::Kind::Deployment,
        &deployment(None),
    );
    assert_eq!(fields(&live, "m").unwrap(), ours.to_fields_v1());
}

#[tokio::test]
async fn an_edit_by_hand_moves_the_field_to_the_hand() {
    let s = sandbox();
    apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=m"), &deployment(None)).await;
    let patch = json!({"spec": {"template": {"spec": {
        "$setElementOrder/containers": [{"name": "c"}],
        "containers": [{"name": "c", "image": "j"}]}}}});
    let uri = format!("{DEPLOYMENTS}/d?fieldManager=kubectl-set");
    let kind = "application/strategic-merge-patch+json";
    let (code, live) = send(&s, Method::PATCH, &uri, kind, &patch).await;
    assert_eq!(code, 200);
    assert_eq!(live["metadata"]["generation"], 2);
    let moved = "/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"c\"}/f:image";
    assert!(fields(&live, "m").unwrap().pointer(moved).is_none());
    assert_eq!(
        fields(&live, "kubectl-set").unwrap(),
        json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {"f:image": {}}}}}}})
    );
}

#[tokio::test]
async fn a_new_annotation_is_recorded_with_its_map() {
    let s = sandbox();
    apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=m"), &deployment(None)).await;
    let patch = json!({"metadata": {"annotations": {"x": "y"}, "labels": {"a": "c"}}});
    let (_, live) = merge(&s, &format!("{DEPLOYMENTS}/d"), &patch).await;
    assert_eq!(
        fields(&live, "curl").unwrap(),
        json!({"f:metadata": {"f:annotations": {".": {}, "f:x": {}}, "f:labels": {"f:a": {}}}})
    );
    // The real server counts a Deployment's annotations, not its labels.
    assert_eq!(live["metadata"]["generation"], 2);
    let (_, live) =
        merge(&s, &format!("{DEPLOYMENTS}/d"), &json!({"metadata": {"labels": {"a": "d"}}})).await;
    assert_eq!(live["metadata"]["generation"], 2);
}

#[tokio::test]
async fn an_empty_map_goes_with_its_last_entry_and_its_owner() {
    let s = sandbox();
    apply(&s, &format!("{MAPS}/a?fieldManager=m"), &map("a", json!({"a": "b"}))).await;
    merge(&s, &format!("{MAPS}/a"), &json!({"metadata": {"annotations": {"x": "y"}}})).await;
    let (_, live) =
        merge(&s, &format!("{MAPS}/a"), &json!({"metadata": {"annotations": {"x": null}}})).await;
    assert_eq!(live["metadata"].get("annotations"), None);
    assert_eq!(fields(&live, "curl"), None);
}

#[tokio::test]
async fn an_empty_list_is_owned_but_not_kept() {
    let s = sandbox();
    let uri = "/apis/networking.k8s.io/v1/namespaces/p/networkpolicies/n?fieldManager=m";
    let body = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"},
        "spec": {"podSelector": {}, "egress": []}});
    let (_, live) = apply(&s, uri, &body).await;
    assert_eq!(live["spec"], json!({"podSelector": {}, "policyTypes": ["Ingress"]}));
    assert_eq!(
        fields(&live, "m").unwrap(),
        json!({"f:spec": {"f:egress": {}, "f:podSelector": {}}})
    );
    let (_, again) = apply(&s, uri, &body).await;
    // So every apply of it is a write.
    assert_eq!(
        (&live["metadata"]["generation"], &again["metadata"]["generation"]),
        (&json!(1), &json!(2))
    );
}

#[tokio::test]
async fn a_creation_owns_its_defaults_too() {
    let s = sandbox();
    let mut body = deployment(Some(0));
    let pod = &mut body["spec"]["template"]["spec"];
    *pod = json!({"containers": [{"name": "c", "image": "i"}]});
    let (code, live) = post(&s, &format!("{DEPLOYMENTS}?fieldManager=vitrine-birth"), &body).await;
    assert_eq!(code, 201);
    assert_eq!(
        fields(&live, "vitrine-birth").unwrap(),
        json!({
            "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
            "f:spec": {
                "f:progressDeadlineSeconds": {}, "f:replicas": {}, "f:revisionHistoryLimit": {},
                "f:selector": {},
                "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}},
                "f:template": {
                    "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                    "f:spec": {
                        "f:containers": {"k:{\"name\":\"c\"}": {
                            ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {},
                            "f:resources": {}, "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {}}},
                        "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {},
                        "f:securityContext": {}, "f:terminationGracePeriodSeconds": {},
                    },
                },
            },
        })
    );
}

#[tokio::test]
async fn born_asleep_stays_asleep_when_applied_without_replicas() {
    let s = sandbox();
    post(&s, &format!("{DEPLOYMENTS}?fieldManager=vitrine-birth"), &deployment(Some(0))).await;
    let (code, live) =
        apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=vitrine&force=true"), &deployment(None))
            .await;
    assert_eq!((code, &live["spec"]["replicas"]), (200, &json!(0)));
    assert!(fields(&live, "vitrine-birth").is_some());
}

#[tokio::test]
async fn scale_takes_owned_replicas_and_leaves_no_entry_on_unowned_ones() {
    let s = sandbox();
    apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=m"), &deployment(Some(3))).await;
    let five = json!({"spec": {"replicas": 5}});
    let uri = format!("{DEPLOYMENTS}/d/scale?fieldManager=keda");
    let (code, scale) = merge(&s, &uri, &five).await;
    assert_eq!(
        (code, &scale["kind"], &scale["spec"]["replicas"]),
        (200, &json!("Scale"), &json!(5))
    );
    let (_, live) = get(&s, &format!("{DEPLOYMENTS}/d")).await;
    assert!(fields(&live, "m").unwrap().pointer("/f:spec/f:replicas").is_none());
    let keda = &live["metadata"]["managedFields"][1];
    assert_eq!(
        (&keda["manager"], &keda["subresource"], &keda["time"]),
        (&json!("keda"), &json!("scale"), &Value::Null)
    );
    let (code, status) =
        apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=m"), &deployment(Some(3))).await;
    assert_eq!(code, 409);
    assert_eq!(
        status["details"]["causes"][0]["message"],
        "conflict with \"keda\" with subresource \"scale\" using apps/v1"
    );

    let mut other = deployment(None);
    other["metadata"]["name"] = json!("e");
    apply(&s, &format!("{DEPLOYMENTS}/e?fieldManager=m"), &other).await;
    merge(&s, &format!("{DEPLOYMENTS}/e/scale?fieldManager=keda"), &five).await;
    let (_, live) = get(&s, &format!("{DEPLOYMENTS}/e")).await;
    assert_eq!(live["spec"]["replicas"], 5);
    assert_eq!(fields(&live, "keda"), None);
}

#[tokio::test]
async fn a_uid_in_the_body_is_a_precondition() {
    let s = sandbox();
    let mut body = map("a", json!({"a": "1"}));
    body["metadata"]["uid"] = json!("x");
    let uri = format!("{MAPS}/a?fieldManager=m");
    let (code, status) = apply(&s, &uri, &body).await;
    assert_eq!((code, &status["reason"]), (409, &json!("Conflict")));
    apply(&s, &uri, &map("a", json!({"a": "1"}))).await;
    let (code, status) = apply(&s, &uri, &body).await;
    assert_eq!((code, &status["details"]["causes"][0]["field"]), (422, &json!("metadata.uid")));
}

#[tokio::test]
async fn an_old_version_in_the_body_is_a_conflict() {
    let s = sandbox();
    let mut body = map("a", json!({"a": "1"}));
    apply(&s, &format!("{MAPS}/a?fieldManager=m"), &body).await;
    body["metadata"]["resourceVersion"] = json!("1");
    let (code, status) = apply(&s, &format!("{MAPS}/a?fieldManager=m"), &body).await;
    assert_eq!((code, &status["reason"]), (409, &json!("Conflict")));
    let (code, _) = send(&s, Method::PUT, &format!("{MAPS}/a"), "application/json", &body).await;
    assert_eq!(code, 409);
}

#[tokio::test]
async fn an_unknown_field_fails_an_apply_with_500_and_a_post_with_400() {
    let s = sandbox();
    let mut body = map("a", json!({"a": "b"}));
    body["bar"] = json!({"x": 1});
    body["metadata"]["foo"] = json!(1);
    let (code, status) =
        apply(&s, &format!("{MAPS}/a?fieldManager=m&fieldValidation=Strict"), &body).await;
    assert_eq!((code, status.get("reason")), (500, None));
    let said = status["message"].as_str().unwrap();
    assert!(
        said.starts_with(
            "failed to create typed patch object (/a; /v1, Kind=ConfigMap): errors:\n"
        ),
        "{said}"
    );
    assert!(said.contains(".metadata.foo: field not declared in schema"), "{said}");
    let (code, status) = post(&s, &format!("{MAPS}?fieldValidation=Strict"), &body).await;
    assert_eq!(code, 400);
    let said = status["message"].as_str().unwrap();
    assert!(said.contains("strict decoding error: unknown field \"bar\""), "{said}");
    let (code, live) = post(&s, MAPS, &body).await;
    assert_eq!((code, live.get("bar")), (201, None));
}

#[tokio::test]
async fn an_unknown_field_of_a_custom_resource_is_named_with_its_path() {
    let s = sandbox();
    let body = scaled(
        json!({"scaleTargetRef": {"name": "a"}, "triggers": [{"type": "x", "metadata": {}, "bar": 1}]}),
    );
    let (code, status) =
        apply(&s, &format!("{SCALED}/s?fieldManager=m&fieldValidation=Strict"), &body).await;
    assert_eq!(code, 500);
    assert_eq!(
        status["message"],
        "failed to create typed patch object (/s; keda.sh/v1alpha1, Kind=ScaledObject): .spec.triggers[0].bar: field not declared in schema"
    );
    let (code, status) = post(&s, &format!("{SCALED}?fieldValidation=Strict"), &body).await;
    assert_eq!(code, 400);
    assert_eq!(
        status["message"],
        "ScaledObject in version \"v1alpha1\" cannot be handled as a ScaledObject: strict decoding error: unknown field \"spec.triggers[0].bar\""
    );
}

#[tokio::test]
async fn a_custom_resource_against_its_schema_is_invalid_with_causes() {
    let s = sandbox();
    let uri = format!("{SCALED}/s?fieldManager=m&fieldValidation=Strict");
    let (code, status) =
        apply(&s, &uri, &scaled(json!({"minReplicaCount": -1, "triggers": [{"type": ""}]}))).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
    let causes = status["details"]["causes"].as_array().unwrap();
    let found: Vec<_> = causes
        .iter()
        .map(|c| (c["reason"].as_str().unwrap(), c["field"].as_str().unwrap()))
        .collect();
    for expected in [
        ("FieldValueInvalid", "spec.triggers[0].type"),
        ("FieldValueRequired", "spec.triggers[0].metadata"),
        ("FieldValueInvalid", "spec.minReplicaCount"),
        ("FieldValueRequired", "spec.scaleTargetRef"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    let typed = scaled(
        json!({"scaleTargetRef": {"name": "a"}, "minReplicaCount": "x", "triggers": [{"type": "x", "metadata": {}}]}),
    );
    let (code, status) = apply(&s, &uri, &typed).await;
    assert_eq!(code, 500);
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .contains(".spec.minReplicaCount: expected numeric (int or float), got string")
    );
}

#[tokio::test]
async fn a_status_is_written_through_its_own_door_only() {
    let s = sandbox();
    let mut body = scaled(
        json!({"scaleTargetRef": {"name": "a"}, "triggers": [{"type": "x", "metadata": {}}]}),
    );
    body["status"] = json!({"hpaName": "x"});
    let (code, live) = apply(&s, &format!("{SCALED}/s?fieldManager=m"), &body).await;
    assert_eq!((code, live.get("status")), (201, None));
    let patch = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"pollingInterval": 3},
        "status": {"hpaName": "x", "conditions": [{"type": "Ready", "status": "True"}]}});
    let (_, live) = merge(&s, &format!("{SCALED}/s/status?fieldManager=keda"), &patch).await;
    assert_eq!(
        (&live["metadata"]["generation"], live["spec"].get("pollingInterval")),
        (&json!(1), None)
    );
    assert_eq!(live["metadata"].get("labels"), None);
    assert_eq!(
        fields(&live, "keda").unwrap(),
        json!({"f:status": {".": {}, "f:conditions": {}, "f:hpaName": {}}})
    );
}

#[tokio::test]
async fn a_selector_is_immutable() {
    let s = sandbox();
    apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=m"), &deployment(None)).await;
    let mut other = deployment(None);
    other["spec"]["selector"]["matchLabels"]["app"] = json!("z");
    other["spec"]["template"]["metadata"]["labels"]["app"] = json!("z");
    let (code, status) =
        apply(&s, &format!("{DEPLOYMENTS}/d?fieldManager=m&force=true"), &other).await;
    assert_eq!(code, 422);
    assert_eq!(
        status["message"],
        "Deployment.apps \"d\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"z\"}}: field is immutable"
    );
}

#[tokio::test]
async fn names_and_labels_have_a_syntax() {
    let s = sandbox();
    let (code, status) =
        apply(&s, &format!("{MAPS}/L_?fieldManager=m"), &map("L_", json!({}))).await;
    assert_eq!((code, &status["details"]["causes"][0]["field"]), (422, &json!("metadata.name")));
    let mut body = map("l", json!({}));
    body["metadata"]["labels"] = json!({"a": "b c"});
    let (code, status) = apply(&s, &format!("{MAPS}/l?fieldManager=m"), &body).await;
    assert_eq!((code, &status["details"]["causes"][0]["field"]), (422, &json!("metadata.labels")));
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let s = sandbox();
    let before = s.all_objects();
    let (code, _) =
        apply(&s, &format!("{MAPS}/a?fieldManager=m&dryRun=All"), &map("a", json!({}))).await;
    assert_eq!(code, 201);
    assert_eq!(s.all_objects(), before);
}

#[tokio::test]
async fn a_namespace_must_exist() {
    let s = sandbox();
    let (code, status) =
        apply(&s, "/api/v1/namespaces/nope/configmaps/a?fieldManager=m", &map("a", json!({})))
            .await;
    assert_eq!((code, &status["message"]), (404, &json!("namespaces \"nope\" not found")));
}

#[tokio::test]
async fn lists_with_keys_keep_the_order_that_the_real_server_gives_them() {
    let s = sandbox();
    let with = |names: &[&str]| {
        let mut body = deployment(None);
        let containers = names.iter().map(|name| json!({"name": name, "image": "i"})).collect();
        body["spec"]["template"]["spec"]["containers"] = Value::Array(containers);
        body
    };
    for (manager, names, expected) in [
        ("m", &["a", "b", "e"][..], &["a", "b", "e"][..]),
        ("n", &["x"], &["a", "b", "e", "x"]),
        ("n2", &["y", "b", "z"], &["a", "y", "b", "e", "x", "z"]),
        ("n3", &["e", "a"], &["y", "b", "e", "x", "z", "a"]),
    ] {
        let uri = format!("{DEPLOYMENTS}/d?fieldManager={manager}");
        let (_, live) = apply(&s, &uri, &with(names)).await;
        let containers = live["spec"]["template"]["spec"]["containers"].as_array().unwrap();
        let order: Vec<_> = containers.iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(order, expected, "{manager}");
    }
}

#[tokio::test]
async fn a_limit_range_gets_what_it_leaves_unsaid() {
    let s = sandbox();
    let uri = "/api/v1/namespaces/p/limitranges/l?fieldManager=m";
    let limits = |item: Value| {
        json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"},
            "spec": {"limits": [item]}})
    };
    let body =
        limits(json!({"type": "Container", "max": {"cpu": "2"}, "default": {"memory": "1Gi"},
        "min": {"memory": "1Mi"}}));
    let (code, live) = apply(&s, uri, &body).await;
    assert_eq!(code, 201, "{live}");
    assert_eq!(live["spec"]["limits"][0]["default"], json!({"cpu": "2", "memory": "1Gi"}));
    assert_eq!(live["spec"]["limits"][0]["defaultRequest"], json!({"cpu": "2", "memory": "1Gi"}));
    assert_eq!(fields(&live, "m").unwrap(), json!({"f:spec": {"f:limits": {}}}));
    let body =
        limits(json!({"type": "Container", "default": {"cpu": "1"}, "max": {"cpu": "500m"}}));
    assert_eq!(apply(&s, uri, &body).await.0, 422);
}

#[tokio::test]
async fn a_quota_a_budget_and_an_ingress_that_make_no_sense_are_refused() {
    let s = sandbox();
    for (address, api_version, kind, spec, field) in [
        (
            "/api/v1/namespaces/p/resourcequotas/o",
            "v1",
            "ResourceQuota",
            json!({"hard": {"pods": "-1"}}),
            "spec.hard[pods]",
        ),
        (
            "/apis/policy/v1/namespaces/p/poddisruptionbudgets/o",
            "policy/v1",
            "PodDisruptionBudget",
            json!({"minAvailable": 1, "maxUnavailable": 1}),
            "spec",
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/p/ingresses/o",
            "networking.k8s.io/v1",
            "Ingress",
            json!({"rules": [{"http": {"paths": [{"path": "x", "pathType": "Prefix",
                "backend": {"service": {"name": "app", "port": {"number": 80}}}}]}}]}),
            "spec.rules[0].http.paths[0].path",
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/p/ingresses/o",
            "networking.k8s.io/v1",
            "Ingress",
            json!({"ingressClassName": "nginx"}),
            "spec",
        ),
    ] {
        let body = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "o"},
            "spec": spec});
        let (code, status) = apply(&s, &format!("{address}?fieldManager=m"), &body).await;
        assert_eq!(code, 422, "{kind}: {status}");
        assert_eq!(status["details"]["causes"][0]["field"], field, "{status}");
    }
}
