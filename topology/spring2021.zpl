# The herd of spring 2021: five nodes in a ring, with one link across it.
herd
    name = spring2021

node
    name = Bernard
    clients = tcp://127.0.0.1:11900
    bus = tcp://127.0.0.1:12900

node
    name = Clark
    clients = tcp://127.0.0.1:11901
    bus = tcp://127.0.0.1:12901

node
    name = Jaquez
    clients = tcp://127.0.0.1:11902
    bus = tcp://127.0.0.1:12902

node
    name = Johnson
    clients = tcp://127.0.0.1:11903
    bus = tcp://127.0.0.1:12903

node
    name = Juzang
    clients = tcp://127.0.0.1:11904
    bus = tcp://127.0.0.1:12904

link
    between = Clark Jaquez
link
    between = Clark Juzang
link
    between = Bernard Juzang
link
    between = Bernard Jaquez
link
    between = Bernard Johnson
link
    between = Juzang Johnson

places
    gateways = tcp://127.0.0.1:13900
    workers = tcp://127.0.0.1:13901
    provider = landmarks
    url = http://127.0.0.1:13980/maps/api/place/nearbysearch/json
