# refused: 9: the name `Alford` is taken by line 5; write another
herd
    name = small
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
operator
    name = Alford
