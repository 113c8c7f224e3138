# refused: 16: this `public_key` is not that of the `places` in line 10; write the same in each
herd
    name = small
    keys = small.keys
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
    public_key = "Jhd{K^>U^HqJ5eF^n?8b^cC(UirrKN%b)[J=$2sZ"
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
    public_key = ".0mV7:++hX4Z<2zc7X&6=oH*rLvl(C53M.MuLiDT"
places
    gateways = tcp://127.0.0.1:13510
    workers = tcp://127.0.0.1:13511
    provider = landmarks
    url = http://127.0.0.1:13590/maps/api/place/nearbysearch/json
    public_key = ">->BQFy=beByJ-]8.gV-wKHeXPS]?sNC}ZopKY]k"
