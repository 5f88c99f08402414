#compdef teleinfo-bridge

_arguments \
    '--config[configuration]:file:_files' \
    '*--listen[where readers reach this bridge]:locator (tcp/[\:\:]\:7447):' \
    '--mqtt[the broker, or embedded]:url:(embedded mqtt\:// mqtts\://)' \
    '1:command:((adopt\:"put what another program has recorded before our energy" import\:"fill the memory of the page with hours of Home Assistant" doctor\:"look at everything and say what is wrong" accept\:"believe one more reader for a meter" refuse\:"no longer believe a reader of a meter" code\:"show the code that lets a reader in" forget\:"take away what is kept of a meter, or of everything"))' \
    '--language[language of journal, doctor, adopt and import]:language:(en fr)' \
    '--list[accept\: say which readers are believed]' \
    '--stopped[forget\: the bridge is stopped, whatever the broker says]' \
    '--write[adopt, import\: write it]' \
    '(--write)--undo[adopt\: take back what was written]' \
    '--check-config[check the configuration and end]' \
    '(-h --help)'{-h,--help}'[print a summary]' \
    '(-V --version)'{-V,--version}'[print the version]'
