# refused: 22: `tiles` is `http://tiles.example.org/{z}/{x}/{y}.png`; write https://HOST/{z}/{x}/{y}.png
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
    tiles = http://tiles.example.org/{z}/{x}/{y}.png
