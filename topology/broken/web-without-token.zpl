# refused: 19: this herd has access rules, and this `web` no token to show; write `token_file = FILE`, whose token is that of a person with `be = *` and `see = *`
herd
    name = small
    access = small.access
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
node
    name = Ball
    clients = tcp://127.0.0.1:11501
    bus = tcp://127.0.0.1:12501
link
    between = Alford Ball
observer
    name = Ear
    of = Alford
    bus = tcp://127.0.0.1:12590
web
    of = Alford
    observer = Ear
    listen = tcp://127.0.0.1:14500
