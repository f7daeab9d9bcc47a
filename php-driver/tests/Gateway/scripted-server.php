<?php

// usage: php scripted-server.php ANSWER keep|close|reset FILE-FOR-REQUESTS. Prints its address.

[, $answer, $then, $requests] = $argv;

$server = stream_socket_server('tcp://127.0.0.1:0') ?: exit(1);
echo stream_socket_get_name($server, false), "\n";

for ($connection = 1; $socket = stream_socket_accept($server, -1); $connection++) {
    do {
        $request = '';

        while (! str_contains($request, "\r\n\r\n") && ! feof($socket)) {
            $request .= fread($socket, 8192);
        }

        if ($request === '') {
            break;
        }

        [$head, $body] = explode("\r\n\r\n", $request, 2);
        $length = preg_match('/^content-length: (\d+)/mi', $head, $match) ? (int) $match[1] : 0;

        while (strlen($body) < $length && ! feof($socket)) {
            $body .= fread($socket, 8192);
        }

        file_put_contents($requests, "{$head}\n{$body}\n", FILE_APPEND);
        fwrite($socket, str_replace('{connection}', (string) $connection, $answer));
    } while ($then === 'keep');

    if ($then === 'reset') {
        // Sent as a TCP reset: what was not read yet is lost on the other side.
        socket_set_option(socket_import_stream($socket) ?: exit(1), SOL_SOCKET, SO_LINGER, ['l_onoff' => 1, 'l_linger' => 0]);
    }

    fclose($socket);
}
