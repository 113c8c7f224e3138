# refused: 12: `monitor` is tcp://*:14501, and a herd without keys is watched from its own machine only; write `    monitor = tcp://127.0.0.1:14501`, or run `zherd keygen` on this file
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
    monitor = tcp://*:14501
link
    between = Alford Ball
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
