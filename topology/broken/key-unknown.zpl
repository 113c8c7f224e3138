# refused: 4: `herd` has no key `color`; write only name, keys, insecure, max_id_bytes, former, expire, forget, nearby, watch, journal, answers_after, access, max_clients, max_table_bytes, new_clients, log, log_rate, log_level, log_file, log_max_bytes, log_format, certificate, certificate_key, client_ca
herd
    name = small
    color = blue
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
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
