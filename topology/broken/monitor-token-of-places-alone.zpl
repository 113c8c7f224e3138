# refused: 17: there is no monitor that this token is for; write a line `    monitor = tcp://HOST:PORT`
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
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    monitor_token_file = monitor.token
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
