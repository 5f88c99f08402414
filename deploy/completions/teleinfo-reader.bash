# bash completion for teleinfo-reader(1)

_teleinfo_reader() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    case $previous in
    --config)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        ;;
    --serial) mapfile -t COMPREPLY < <(compgen -G "${current:-/dev/}*" | grep -E '^/dev/(teleinfo|serial|tty(S|AMA|USB|ACM))') ;;
    --connect) mapfile -t COMPREPLY < <(compgen -W "tcp/" -- "$current") && compopt -o nospace ;;
    --language) mapfile -t COMPREPLY < <(compgen -W "en fr" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "doctor monitor health accept --config --serial --connect --check-config --language --help --version" -- "$current") ;;
    esac
}
complete -F _teleinfo_reader teleinfo-reader
