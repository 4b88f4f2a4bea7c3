//! What the program tells about itself.

use crate::lab::Lab;

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // Further lines of a long description stand further to the right.
    let named = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn every_command_teaches_with_examples() {
    let lab = Lab::new();
    let mut left: Vec<Vec<String>> = vec![vec![]];
    let mut seen = 0;
    while let Some(words) = left.pop() {
        let mut asked: Vec<&str> = words.iter().map(String::as_str).collect();
        asked.push("--help");
        let help = lab.works(&asked);
        assert!(help.contains("Examples:\n  # "), "{words:?}\n{help}");
        assert!(help.contains("jmp-controller"), "{words:?}\n{help}");
        // What an option is about stands behind it, or below.
        let lines: Vec<&str> = help.lines().collect();
        let options = lines.windows(2).filter(|pair| {
            let option = pair[0].trim_start();
            let is_option = option.starts_with('-') && !option.starts_with("- ");
            is_option && !option.contains("  ") && pair[1].trim().is_empty()
        });
        let mute: Vec<_> = options.map(|pair| pair[0]).collect();
        assert!(mute.is_empty(), "{words:?}: {mute:?}\n{help}");
        for command in commands(&help) {
            left.push([words.clone(), vec![command]].concat());
        }
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn shells_complete_its_commands() {
    let lab = Lab::new();
    for (shell, words) in [
        (
            "bash",
            "complete -o nosort -F _jmp_controller_complete jmp-controller",
        ),
        ("zsh", "#compdef jmp-controller"),
        ("fish", "complete --no-files --command jmp-controller"),
    ] {
        let script = lab.works(&["completion", shell]);
        assert!(script.contains(words), "{script}");
        assert!(script.contains("_JMP_CONTROLLER_COMPLETE"), "{script}");
    }
    let answer = |line: &str, place: &str| {
        let output = lab
            .program()
            .env("_JMP_CONTROLLER_COMPLETE", "bash_complete")
            .env("COMP_WORDS", line)
            .env("COMP_CWORD", place)
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        answer("jmp-controller e", "1"),
        "plain,export\nplain,exporter\n"
    );
    assert_eq!(
        answer("jmp-controller token ", "2"),
        "plain,issue\nplain,list\nplain,revoke\nplain,rotate\n"
    );
    assert_eq!(
        answer("jmp-controller exporter get -o ", "4"),
        "plain,json\nplain,yaml\nplain,name\n"
    );
    assert_eq!(answer("jmp-controller --config ", "2"), "file,\n");
}
