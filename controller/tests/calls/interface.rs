//! The file that says what can be asked as JSON, against what can.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::people::plain;
use crate::rest::ask;

/// Every path of the file is one of the server, with its methods, parameters and fields, and no other
/// method is.
#[tokio::test]
async fn the_file_of_the_interface_says_what_is_there() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    lab.works(&["exporter", "create", "board", "-l", "name=board"]);
    let (status, api) = ask(&lab, &plain(), &Method::GET, "/openapi.json", "").await;
    assert_eq!((status, &api["openapi"]), (StatusCode::OK, &json!("3.0.3")));
    let schemas = &api["components"]["schemas"];
    let mut seen = Vec::new();
    // Leases are made before they are looked at, and deleted last.
    let paths = api["paths"].as_object().unwrap();
    for method in ["post", "get", "patch", "put", "delete"] {
        for (path, item) in paths {
            let url = path
                .replace("{namespace}", "lab")
                .replace("{exporter}", "board")
                .replace("{lease}", "mine");
            assert!(!url.contains('{'), "{path}");
            let Some(operation) = item.get(method) else {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let (status, told) = ask(&lab, &alice, &method, &url, "").await;
                assert_eq!(
                    status,
                    StatusCode::METHOD_NOT_ALLOWED,
                    "{method} {url}: {told}"
                );
                continue;
            };
            let parameters = operation["parameters"].as_array().unwrap();
            let query: Vec<String> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| {
                    let value = match (
                        parameter["name"].as_str().unwrap(),
                        parameter["schema"]["type"].as_str().unwrap(),
                    ) {
                        ("leaseId", _) => "mine",
                        ("updateMask", _) => "duration",
                        (_, "boolean") => "true",
                        (_, "integer") => "1",
                        _ => "",
                    };
                    format!("{}={value}", parameter["name"].as_str().unwrap())
                })
                .collect();
            let url = format!("{url}?{}", query.join("&"));
            let body = match operation.get("requestBody") {
                Some(_) => json!({"selector": "name=board", "duration": "60s"}).to_string(),
                None => String::new(),
            };
            let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let (status, told) = ask(&lab, &alice, &verb, &url, &body).await;
            assert_eq!(status, StatusCode::OK, "{method} {url}: {told}");
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            fits(schemas, schema, &told, &url);
            let (status, told) = ask(&lab, &plain(), &verb, &url, &body).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {url}: {told}");
            let schema =
                &operation["responses"]["default"]["content"]["application/json"]["schema"];
            fits(schemas, schema, &told, &url);
            seen.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    seen.sort();
    let methods = [
        "CreateLease",
        "DeleteLease",
        "GetExporter",
        "GetLease",
        "ListExporters",
        "ListLeases",
        "RotateToken",
        "UpdateLease",
    ];
    assert_eq!(seen, methods);
}

/// That a value is what its schema says, and has no field that it does not mention.
fn fits(schemas: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return fits(schemas, &schemas[name], value, place);
    }
    match schema["type"].as_str() {
        Some("object") => {
            let object = value
                .as_object()
                .unwrap_or_else(|| panic!("{place}: {value}"));
            for (key, value) in object {
                let place = format!("{place}.{key}");
                match (
                    schema["properties"].get(key),
                    schema.get("additionalProperties"),
                ) {
                    (Some(schema), _) | (None, Some(schema)) => {
                        fits(schemas, schema, value, &place)
                    }
                    (None, None) => panic!("{place} is not in the file"),
                }
            }
        }
        Some("array") => {
            for item in value
                .as_array()
                .unwrap_or_else(|| panic!("{place}: {value}"))
            {
                fits(schemas, &schema["items"], item, place);
            }
        }
        Some("string") => assert!(value.is_string(), "{place}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{place}: {value}"),
        Some("integer") => assert!(value.is_i64(), "{place}: {value}"),
        None => {}
        Some(other) => panic!("{place}: {other}"),
    }
}
