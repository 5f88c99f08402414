#compdef teleinfo-reader

_arguments \
    '--config[configuration]:file:_files' \
    '--serial[serial line]:device:_files -W /dev -g "(teleinfo|serial*|tty(S|AMA|USB|ACM)*)" -P /dev/' \
    '*--connect[where the bridge is]:locator (tcp/host\:7447):' \
    '1:command:((doctor\:"look at everything and say what is wrong" monitor\:"show what the meter sends" health\:"say whether the reader of this container is well" accept\:"trust another bridge"))' \
    '--language[language of journal, doctor and monitor]:language:(en fr)' \
    '--check-config[check the configuration and end]' \
    '(-h --help)'{-h,--help}'[print a summary]' \
    '(-V --version)'{-V,--version}'[print the version]'
