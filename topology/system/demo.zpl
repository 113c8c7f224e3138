# The herd of fall 2016 with the live map: topology/up --demo starts it, and walkers.
herd
    name = demo

node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500

node
    name = Ball
    clients = tcp://127.0.0.1:11501
    bus = tcp://127.0.0.1:12501

node
    name = Hamilton
    clients = tcp://127.0.0.1:11502
    bus = tcp://127.0.0.1:12502

node
    name = Holiday
    clients = tcp://127.0.0.1:11503
    bus = tcp://127.0.0.1:12503

node
    name = Welsh
    clients = tcp://127.0.0.1:11504
    bus = tcp://127.0.0.1:12504

link
    between = Alford Hamilton
link
    between = Hamilton Holiday
link
    between = Holiday Ball
link
    between = Ball Welsh
link
    between = Welsh Alford

# `zherd tap` listens to Alford as Ear.
observer
    name = Ear
    of = Alford
    bus = tcp://127.0.0.1:12590

places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json

# Who listens to Alford for the map, http://127.0.0.1:14500/.
observer
    name = Door
    of = Alford
    bus = tcp://127.0.0.1:12591

web
    of = Alford
    observer = Door
    listen = tcp://127.0.0.1:14500
