# The herd of winter 2023: five nodes in a ring, with one link across it.
herd
    name = winter2023

node
    name = Bailey
    clients = tcp://127.0.0.1:12000
    bus = tcp://127.0.0.1:13000

node
    name = Bona
    clients = tcp://127.0.0.1:12001
    bus = tcp://127.0.0.1:13001

node
    name = Campbell
    clients = tcp://127.0.0.1:12002
    bus = tcp://127.0.0.1:13002

node
    name = Clark
    clients = tcp://127.0.0.1:12003
    bus = tcp://127.0.0.1:13003

node
    name = Jaquez
    clients = tcp://127.0.0.1:12004
    bus = tcp://127.0.0.1:13004

link
    between = Clark Jaquez
link
    between = Clark Bona
link
    between = Campbell Bailey
link
    between = Campbell Bona
link
    between = Campbell Jaquez
link
    between = Bona Bailey

places
    gateways = tcp://127.0.0.1:14000
    workers = tcp://127.0.0.1:14001
    provider = landmarks
    url = http://127.0.0.1:14080/maps/api/place/nearbysearch/json
