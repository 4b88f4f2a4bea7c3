//! What the kernel says about a process and its children.

use std::fs;

/// Proportional set size, in KiB, and number of threads, of a process and all below it.
pub(crate) fn weigh(pid: u32) -> (f64, f64) {
    let mut pss = 0.0;
    let mut threads = 0.0;
    for pid in family(pid) {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        pss += field(&rollup, "Pss:");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        threads += field(&status, "Threads:");
    }
    (pss, threads)
}

/// Seconds of processor time that a process and all below it have used.
pub(crate) fn busy(pid: u32) -> f64 {
    let ticks = |pid| -> f64 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name of the program, in parentheses, may contain anything.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let times = fields.split_whitespace().skip(11).take(2);
        times.filter_map(|time| time.parse::<f64>().ok()).sum()
    };
    // The kernel tells them in hundredths, whatever it counts in.
    family(pid).into_iter().map(ticks).sum::<f64>() / 100.0
}

fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        all.extend(
            children
                .split_whitespace()
                .filter_map(|child| child.parse::<u32>().ok()),
        );
        next += 1;
    }
    all
}

fn field(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0)
}
