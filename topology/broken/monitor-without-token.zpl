# refused: 14: `monitor` is tcp://example.org:14501, and whoever reaches it could watch; write `    monitor = tcp://127.0.0.1:14501`, or a line `    monitor_token_file = PATH`
herd
    name = small
    keys = small.keys
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
    public_key = "Jhd{K^>U^HqJ5eF^n?8b^cC(UirrKN%b)[J=$2sZ"
node
    name = Ball
    clients = tcp://127.0.0.1:11501
    bus = tcp://127.0.0.1:12501
    monitor = tcp://example.org:14501
    public_key = ".0mV7:++hX4Z<2zc7X&6=oH*rLvl(C53M.MuLiDT"
link
    between = Alford Ball
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
    public_key = ">->BQFy=beByJ-]8.gV-wKHeXPS]?sNC}ZopKY]k"
