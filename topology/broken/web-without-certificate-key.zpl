# refused: 18: HTTPS needs `certificate = FILE` and `certificate_key = FILE`; write both, or none for HTTP
herd
    name = small
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
    certificate = web.pem
