//! The scripts that make a shell ask us.

use super::Shell;

/// The script for `shell` that completes these programs.
pub fn script(shell: Shell, programs: &[&str]) -> String {
    let template = match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
    };
    let mut script = String::new();
    if shell == Shell::Zsh {
        // Only the first line of a file tells zsh what the file completes.
        script = format!("#compdef {}\n", programs.join(" "));
    }
    for program in programs {
        let variable = format!("_{}_COMPLETE", program.to_uppercase().replace('-', "_"));
        let function = format!("_{}_complete", program.replace('-', "_"));
        script.push_str(
            &template
                .replace("@PROGRAM@", program)
                .replace("@VARIABLE@", &variable)
                .replace("@FUNCTION@", &function),
        );
    }
    if let (Shell::Zsh, Some(first)) = (shell, programs.first()) {
        script.push_str(&ZSH_AUTOLOADED.replace("@FIRST@", first));
    }
    script
}

const BASH: &str = r#"@FUNCTION@() {
    local kind value
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
        esac
    done < <(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \
        @VARIABLE@=bash_complete @PROGRAM@ 2>/dev/null)
}
complete -o nosort -F @FUNCTION@ @PROGRAM@ 2>/dev/null || complete -F @FUNCTION@ @PROGRAM@
"#;

const ZSH: &str = r#"@FUNCTION@() {
    local -a lines described
    local kind value help
    lines=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) @VARIABLE@=zsh_complete @PROGRAM@ 2>/dev/null)}")
    for kind value help in "${lines[@]}"; do
        case $kind in
            plain)
                if [[ $help == _ ]]; then
                    described+=("${value//:/\\:}")
                else
                    described+=("${value//:/\\:}:$help")
                fi ;;
            dir) _path_files -/ ;;
            file) _path_files -f ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described
}
compdef @FUNCTION@ @PROGRAM@
"#;

/// When zsh loads the file on demand, its first run has to answer as well.
const ZSH_AUTOLOADED: &str = r#"if [[ $funcstack[1] == _@FIRST@ ]]; then
    "_${service}_complete" "$@"
fi
"#;

const FISH: &str = r#"function @FUNCTION@
    set -l answers (env @VARIABLE@=fish_complete COMP_WORDS=(commandline -cp | string collect) \
        COMP_CWORD=(commandline -t | string collect) @PROGRAM@ 2>/dev/null)
    for answer in $answers
        set -l parts (string split -m 1 , -- $answer)
        switch $parts[1]
            case plain
                echo $parts[2]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
        end
    end
end
complete --no-files --command @PROGRAM@ --arguments "(@FUNCTION@)"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_every_program() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell, &["jmp", "j"]);
            for word in [
                "_JMP_COMPLETE=",
                "_J_COMPLETE=",
                "_jmp_complete",
                "_j_complete",
            ] {
                assert!(script.contains(word), "{shell:?}: {word}");
            }
            assert!(!script.contains('@') || shell == Shell::Zsh, "{script}");
        }
    }
}
