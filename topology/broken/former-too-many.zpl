# refused: 4: `former` has too many names; write at most 64
herd
    name = small
    former = n0 n1 n2 n3 n4 n5 n6 n7 n8 n9 n10 n11 n12 n13 n14 n15 n16 n17 n18 n19 n20 n21 n22 n23 n24 n25 n26 n27 n28 n29 n30 n31 n32 n33 n34 n35 n36 n37 n38 n39 n40 n41 n42 n43 n44 n45 n46 n47 n48 n49 n50 n51 n52 n53 n54 n55 n56 n57 n58 n59 n60 n61 n62 n63 n64
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
