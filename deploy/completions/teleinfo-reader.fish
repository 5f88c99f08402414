# fish completion for teleinfo-reader(1)
complete -c teleinfo-reader -f
complete -c teleinfo-reader -n __fish_use_subcommand -a doctor -d 'Look at everything and say what is wrong'
complete -c teleinfo-reader -n __fish_use_subcommand -a monitor -d 'Show what the meter sends'
complete -c teleinfo-reader -n __fish_use_subcommand -a health -d 'Say whether the reader of this container is well'
complete -c teleinfo-reader -n __fish_use_subcommand -a accept -d 'Trust another bridge'
complete -c teleinfo-reader -l language -x -a 'en fr' -d 'Language of journal, doctor and monitor'
complete -c teleinfo-reader -l config -r -F -d 'Configuration'
complete -c teleinfo-reader -l serial -x -a '(string match -r "^/dev/(?:teleinfo|serial|tty(?:S|AMA|USB|ACM)).*" /dev/*)' -d 'Serial line'
complete -c teleinfo-reader -l connect -x -d 'Where the bridge is (tcp/host:7447)'
complete -c teleinfo-reader -l check-config -d 'Check the configuration and end'
complete -c teleinfo-reader -s h -l help -d 'Print a summary'
complete -c teleinfo-reader -s V -l version -d 'Print the version'
