# bash completion for teleinfo-bridge(1)

_teleinfo_bridge() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    case $previous in
    --config)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        ;;
    --listen) mapfile -t COMPREPLY < <(compgen -W "tcp/" -- "$current") && compopt -o nospace ;;
    --mqtt) mapfile -t COMPREPLY < <(compgen -W "embedded mqtt:// mqtts://" -- "$current") ;;
    --language) mapfile -t COMPREPLY < <(compgen -W "en fr" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "accept refuse code adopt import doctor forget --config --listen --mqtt --language --list --stopped --write --undo --check-config --help --version" -- "$current") ;;
    esac
}
complete -F _teleinfo_bridge teleinfo-bridge
