# A herd of two nodes on this machine, to begin with: zherd.zpl(5) has all keys. Every host of a herd
# has the same file, and runs those of its nodes that are its own:
#
#     systemctl enable --now placesd zherd-gateway@North zherd-gateway@South
#
# For nodes on several hosts write addresses that the others reach instead of 127.0.0.1, and let
# `zherd keygen` draw the keys; zherd(1) says how.
herd
    name = example

node
    name = North
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500

node
    name = South
    clients = tcp://127.0.0.1:11501
    bus = tcp://127.0.0.1:12501

link
    between = North South

places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
