# refused: 19: there is no node `Gus`; write the name of a node of this file
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
    of = Gus
    observer = Ear
    listen = tcp://127.0.0.1:14500
