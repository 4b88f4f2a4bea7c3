//! A device of a vendor we do not know, with an interface.

use jumpstarter_proto::descriptor::{Interface, Kind, Method, Param, Type};

pub const CLASS: &str = "vendor_pdu.client.Pdu";

fn param(name: &str, ty: Type, optional: bool, doc: &str) -> Param {
    Param {
        name: name.to_owned(),
        ty,
        optional,
        doc: doc.to_owned(),
    }
}

fn method(name: &str, kind: Kind, doc: &str, params: Vec<Param>, result: Type) -> Method {
    Method {
        name: name.to_owned(),
        kind,
        doc: doc.to_owned(),
        params,
        result,
    }
}

pub fn interface() -> Interface {
    let mode = Type::Enum(vec!["fast".to_owned(), "slow".to_owned()]);
    let point = Type::Struct(vec![
        param("x", Type::Int, false, ""),
        param("y", Type::Number, false, ""),
    ]);
    Interface {
        package: "vendor.pdu.v1".to_owned(),
        name: "Pdu".to_owned(),
        doc: "Outlets that can be switched.\n\nUp to eight of them.".to_owned(),
        methods: vec![
            method(
                "all",
                Kind::Call,
                "Switch one outlet",
                vec![
                    param("outlet", Type::Int, false, "from 1"),
                    param("on", Type::Bool, false, ""),
                    param("mode", mode, true, ""),
                    param("label", Type::String, true, ""),
                ],
                Type::List(Box::new(Type::Any)),
            ),
            method(
                "echo",
                Kind::Call,
                "Give back",
                vec![param("point", point.clone(), false, "where")],
                point,
            ),
            method("text", Kind::Call, "", vec![], Type::String),
            method("nothing", Kind::Call, "", vec![], Type::Null),
            method("refuse", Kind::Call, "", vec![], Type::Null),
            method("not_there", Kind::Call, "", vec![], Type::Null),
            method("items", Kind::Stream, "Count", vec![], Type::Any),
            method("breaks", Kind::Stream, "", vec![], Type::Any),
            method("connect", Kind::Bytes, "", vec![], Type::Null),
        ],
    }
}
