# refused: 10: there is no node `Alfrod`; write Alford
herd
    name = small
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
observer
    name = Ear
    of = Alfrod
    bus = tcp://127.0.0.1:12590
