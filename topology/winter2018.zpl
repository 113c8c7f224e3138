# The herd of winter 2018: four nodes that are linked closely, and Welsh, which hangs on Holiday.
herd
    name = winter2018

node
    name = Goloman
    clients = tcp://127.0.0.1:11600
    bus = tcp://127.0.0.1:12600

node
    name = Hands
    clients = tcp://127.0.0.1:11601
    bus = tcp://127.0.0.1:12601

node
    name = Holiday
    clients = tcp://127.0.0.1:11602
    bus = tcp://127.0.0.1:12602

node
    name = Welsh
    clients = tcp://127.0.0.1:11603
    bus = tcp://127.0.0.1:12603

node
    name = Wilkes
    clients = tcp://127.0.0.1:11604
    bus = tcp://127.0.0.1:12604

link
    between = Goloman Hands
link
    between = Goloman Holiday
link
    between = Goloman Wilkes
link
    between = Hands Wilkes
link
    between = Holiday Welsh
link
    between = Holiday Wilkes

places
    gateways = tcp://127.0.0.1:13600
    workers = tcp://127.0.0.1:13601
    provider = landmarks
    url = http://127.0.0.1:13680/maps/api/place/nearbysearch/json
