# The herd of winter 2020: five nodes in a ring, with one link across it.
herd
    name = winter2020

node
    name = Campbell
    clients = tcp://127.0.0.1:11700
    bus = tcp://127.0.0.1:12700

node
    name = Hill
    clients = tcp://127.0.0.1:11701
    bus = tcp://127.0.0.1:12701

node
    name = Jaquez
    clients = tcp://127.0.0.1:11702
    bus = tcp://127.0.0.1:12702

node
    name = Singleton
    clients = tcp://127.0.0.1:11703
    bus = tcp://127.0.0.1:12703

node
    name = Smith
    clients = tcp://127.0.0.1:11704
    bus = tcp://127.0.0.1:12704

link
    between = Hill Jaquez
link
    between = Hill Smith
link
    between = Singleton Jaquez
link
    between = Singleton Smith
link
    between = Singleton Campbell
link
    between = Smith Campbell

places
    gateways = tcp://127.0.0.1:13700
    workers = tcp://127.0.0.1:13701
    provider = landmarks
    url = http://127.0.0.1:13780/maps/api/place/nearbysearch/json
