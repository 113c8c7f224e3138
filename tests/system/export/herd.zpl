# Exported by tests/system/export.py: what containers change, leave out or have to quote. Köln.
herd
    name = Coast_1
    keys = "coast.keys"    # the folder on the operator's machine
    journal = everysec

node
    name = no
    clients = tcp://127.0.0.1:11900
    bus = tcp://192.0.2.10:12900
    public_key = "nFmq^Y>7)#PXQKYmI/{Ut{a9<4IKD=x>)yEG7$Wh"
node
    name = North_1
    clients = tcp://*:11901
    bus = tcp://eth0:12901
    bus_at = tcp://north.example.org:12901
    trusted = 10.0.0.0/8
    public_key = "2zO-KA21w286?zXU=7)Elkwad36t$)k!&W?H>vO{ pF-gy8.HR3F3R[sdZB8rhjE*H?7a3axufLOkRfF{"

link
    between = no North_1

# The terminal on the operator's machine stays where it is.
observer
    name = Ear
    of = no
    bus = tcp://192.0.2.11:12990
    public_key = "6CqRA-R^:{A2DjNL$C&u*n$yBI#wCRrmKwjR1]gO"

operator
    name = Ada
    public_key = ":Ox5.)x#SCMhGKA@oeK=]CqdY^z3TLAP^J6ri=ak"

places
    gateways = tcp://192.0.2.10:13900
    workers = tcp://192.0.2.10:13901
    provider = google
    url = https://maps.googleapis.com/maps/api/place/nearbysearch/json
    key_file = google.key
    public_key = "bluXwOqqt3q&9am6nRlDhx$F]KH9Z6X7so%VBd+k"
places
    gateways = tcp://192.0.2.12:13900
    workers = tcp://192.0.2.12:13901
    provider = landmarks
    url = http://127.0.0.1:13980/maps/api/place/nearbysearch/json
    public_key = "bluXwOqqt3q&9am6nRlDhx$F]KH9Z6X7so%VBd+k"
