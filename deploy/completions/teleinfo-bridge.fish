# fish completion for teleinfo-bridge(1)
complete -c teleinfo-bridge -f
complete -c teleinfo-bridge -n __fish_use_subcommand -a adopt -d 'Put what another program has recorded before our energy'
complete -c teleinfo-bridge -n '__fish_seen_subcommand_from adopt' -l write -d 'Write it'
complete -c teleinfo-bridge -n '__fish_seen_subcommand_from adopt' -l undo -d 'Take back what was written'
complete -c teleinfo-bridge -n __fish_use_subcommand -a doctor -d 'Look at everything and say what is wrong'
complete -c teleinfo-bridge -n __fish_use_subcommand -a forget -d 'Take away what is kept of a meter, or of everything'
complete -c teleinfo-bridge -l config -r -F -d 'Configuration'
complete -c teleinfo-bridge -l listen -x -d 'Where readers reach this bridge (tcp/[::]:7447)'
complete -c teleinfo-bridge -l mqtt -x -a 'embedded mqtt:// mqtts://' -d 'The broker, or embedded'
complete -c teleinfo-bridge -l language -x -a 'en fr' -d 'Language of journal, doctor and adopt'
complete -c teleinfo-bridge -l check-config -d 'Check the configuration and end'
complete -c teleinfo-bridge -s h -l help -d 'Print a summary'
complete -c teleinfo-bridge -s V -l version -d 'Print the version'
