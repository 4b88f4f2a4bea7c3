#![allow(clippy::unwrap_used)]

use super::*;

/// Builds a tree from lines such as `grp.inner = driver`, `ref1 = -> grp.inner`, `grp = group`.
fn tree(lines: &[&str]) -> Shape {
    let mut shape = Shape::of(&[]);
    for line in lines {
        let (path, kind) = line.split_once(" = ").unwrap();
        let kind = match kind.strip_prefix("-> ") {
            Some(path) => SpotKind::Reference {
                path: path.to_owned(),
                target: None,
            },
            None if kind == "group" => SpotKind::Group,
            None => SpotKind::Driver,
        };
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let at = if parent.is_empty() {
            ROOT
        } else {
            shape.find(parent, true).unwrap().unwrap()
        };
        shape.add(at, name, kind, Place::default());
    }
    shape
}

/// The report as `name=spot<parent`.
fn report(shape: &Shape) -> Vec<String> {
    let label = |spot: usize| {
        if spot == ROOT {
            "R".to_owned()
        } else {
            shape.path(spot)
        }
    };
    let visits = shape.visits().unwrap();
    let line = |visit: &Visit| {
        let name = &shape.spots()[visit.named_by].name;
        let parent = visit
            .parent
            .map_or_else(String::new, |parent| format!("<{}", label(parent)));
        format!("{name}={}{parent}", label(visit.spot))
    };
    visits.iter().map(line).collect()
}

fn faults(lines: &[&str], complete: bool) -> Vec<String> {
    let mut shape = tree(lines);
    let faults = shape.resolve(complete);
    faults.iter().map(|f| f.message.clone()).collect()
}

#[test]
fn a_reference_is_replaced_by_the_whole_subtree_at_its_own_place() {
    let mut shape = tree(&[
        "x = driver",
        "power = driver",
        "grp = group",
        "grp.inner = driver",
        "ref1 = -> grp.inner",
        "ref2 = -> grp",
    ]);
    assert_eq!(shape.resolve(true), []);
    assert_eq!(
        report(&shape),
        [
            "=R",
            "x=x<R",
            "power=power<R",
            "grp=grp<R",
            "inner=grp.inner<grp",
            "ref1=grp.inner<R",
            "ref2=grp<R",
            "inner=grp.inner<grp",
        ]
    );
}

#[test]
fn references_may_come_before_what_they_refer_to() {
    let mut shape = tree(&[
        "proxy0 = -> composite1.power1",
        "proxy1 = -> composite1",
        "power0 = driver",
        "composite1 = group",
        "composite1.power1 = driver",
    ]);
    assert_eq!(shape.resolve(true), []);
    assert_eq!(
        report(&shape),
        [
            "=R",
            "proxy0=composite1.power1<R",
            "proxy1=composite1<R",
            "power1=composite1.power1<composite1",
            "power0=power0<R",
            "composite1=composite1<R",
            "power1=composite1.power1<composite1",
        ]
    );
}

#[test]
fn a_reference_to_a_reference_stands_for_the_last() {
    let mut shape = tree(&["a = -> b", "b = -> c", "c = driver"]);
    assert_eq!(shape.resolve(true), []);
    assert_eq!(report(&shape), ["=R", "a=c<R", "b=c<R", "c=c<R"]);
}

#[test]
fn children_are_found_through_references() {
    let mut shape = tree(&[
        "p = driver",
        "p.g = -> grp",
        "grp = group",
        "grp.x = driver",
    ]);
    assert_eq!(shape.resolve(true), []);
    let p = shape.child(ROOT, "p").unwrap();
    let g = shape.child(p, "g").unwrap();
    let x = shape.child(g, "x").unwrap();
    assert_eq!(shape.path(x), "grp.x");
    assert_eq!(shape.child(g, "y"), None);
}

#[test]
fn a_driver_may_bring_what_a_reference_wants() {
    let lines = [
        "q = driver",
        "r = -> q.power.led",
        "s = -> t.u",
        "t = group",
    ];
    let missing = "Proxy driver s references nonexistent driver t.u; there is nothing below `t`";
    assert_eq!(faults(&lines, false), [missing]);
    assert_eq!(
        faults(&lines, true),
        [
            "Proxy driver r references nonexistent driver q.power.led; there is nothing below `q`",
            missing,
        ]
    );
    let mut shape = tree(&lines[..2]);
    assert_eq!(shape.resolve(false), []);
    let q = shape.child(ROOT, "q").unwrap();
    let power = shape.add(q, "power", SpotKind::Driver, Place::default());
    shape.add(power, "led", SpotKind::Driver, Place::default());
    assert_eq!(shape.resolve(true), []);
    assert_eq!(report(&shape)[4..], ["r=q.power.led<R".to_owned()]);
}

#[test]
fn rounds_are_found_however_they_go() {
    for (lines, fault) in [
        (&["a = -> a"][..], "Proxy driver a references itself"),
        (
            &["a = -> b", "b = -> a"],
            "Proxy driver a references what contains it: a -> b -> a",
        ),
        (
            &["g = group", "g.h = group", "g.h.r = -> g"],
            "Proxy driver r references what contains it: g.h.r -> g -> g.h -> g.h.r",
        ),
        (
            &["g = group", "h = group", "g.r = -> h", "h.r = -> g"],
            "Proxy driver r references what contains it: g.r -> h -> h.r -> g -> g.r",
        ),
        (
            &["x = -> g.i", "g = group", "g.i = group", "g.i.r = -> g"],
            "Proxy driver r references what contains it: g.i.r -> g -> g.i -> g.i.r",
        ),
    ] {
        assert_eq!(faults(lines, true), [fault], "{lines:?}");
    }
}

#[test]
fn a_child_that_a_driver_brings_takes_the_place_of_one_of_the_same_name() {
    let mut shape = tree(&["q = driver", "q.a = driver", "q.b = driver"]);
    let q = shape.child(ROOT, "q").unwrap();
    let new = shape.add(q, "a", SpotKind::Driver, Place::default());
    let visits = shape.visits().unwrap();
    assert_eq!(visits.len(), 4);
    assert_eq!(visits[2].spot, new);
}

#[test]
fn references_cannot_multiply_without_end() {
    let mut lines = vec!["g0 = group".to_owned(), "g0.x = driver".to_owned()];
    for level in 1..40 {
        lines.push(format!("g{level} = group"));
        for side in ["a", "b"] {
            lines.push(format!("g{level}.{side} = -> g{}", level - 1));
        }
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut shape = tree(&lines);
    assert_eq!(shape.resolve(true), []);
    assert_eq!(shape.visits(), None);
}

#[test]
fn long_chains_need_no_stack() {
    let lines: Vec<String> = (0..19_000)
        .map(|n| format!("p{n} = -> p{}", n + 1))
        .collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.push("p19000 = driver");
    let mut shape = tree(&lines);
    assert_eq!(shape.resolve(true), []);
}
