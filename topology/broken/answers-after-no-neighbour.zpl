# refused: 4: answers wait for a neighbour, and there is one node alone; write `answers_after = disk`, or another node and a link
herd
    name = small
    answers_after = neighbour
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
