# The herd of fall 2020: five nodes in a ring, with one link across it.
herd
    name = fall2020

node
    name = Bernard
    clients = tcp://127.0.0.1:11800
    bus = tcp://127.0.0.1:12800

node
    name = Campbell
    clients = tcp://127.0.0.1:11801
    bus = tcp://127.0.0.1:12801

node
    name = Jaquez
    clients = tcp://127.0.0.1:11802
    bus = tcp://127.0.0.1:12802

node
    name = Juzang
    clients = tcp://127.0.0.1:11803
    bus = tcp://127.0.0.1:12803

node
    name = Riley
    clients = tcp://127.0.0.1:11804
    bus = tcp://127.0.0.1:12804

link
    between = Riley Jaquez
link
    between = Riley Juzang
link
    between = Bernard Jaquez
link
    between = Bernard Juzang
link
    between = Bernard Campbell
link
    between = Juzang Campbell

places
    gateways = tcp://127.0.0.1:13800
    workers = tcp://127.0.0.1:13801
    provider = landmarks
    url = http://127.0.0.1:13880/maps/api/place/nearbysearch/json
