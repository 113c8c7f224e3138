# refused: 18: `monitor` is tcp://192.0.2.1:14590, and a herd without keys is watched from its own machine only; write `    monitor = tcp://127.0.0.1:14590`, or run `zherd keygen` on this file
herd
    name = small
    insecure = yes
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
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    monitor = tcp://192.0.2.1:14590
    monitor_token_file = monitor.token
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
