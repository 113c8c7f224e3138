# refused: 4: Alford has a `public_key`, but the herd has no `keys`; write `    keys = FOLDER` in herd, or run `zherd keygen` on this file
herd
    name = small
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
    public_key = "Jhd{K^>U^HqJ5eF^n?8b^cC(UirrKN%b)[J=$2sZ"
node
    name = Ball
    clients = tcp://127.0.0.1:11501
    bus = tcp://127.0.0.1:12501
link
    between = Alford Ball
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
